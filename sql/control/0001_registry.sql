-- The registry: which tenants there are, who belongs to them by what evidence, and their keys.
-- Runs in the schema `gatehouse` as its owner role. Three roles (made at bootstrap) speak to it:
--   gatehouse_resolver  identity resolution: reads every tenant's rows, writes only joins and last-use stamps
--   gatehouse_desk      one tenant at a time: row security by the setting gatehouse.tenant
--   gatehouse_operator  everything: CLI and provisioning

CREATE TABLE tenants (
  id uuid PRIMARY KEY,
  slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z][a-z0-9_]{0,40}$'),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  schema text NOT NULL UNIQUE,
  -- A deleted tenant keeps its row: slug and schema name are never reused (D10).
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'deleted')),
  placement text NOT NULL DEFAULT 'default',
  schema_version integer NOT NULL DEFAULT 0,
  origin text NOT NULL CHECK (origin IN ('operator', 'provision', 'personal', 'development')),
  created_at timestamptz NOT NULL DEFAULT now(),
  suspended_at timestamptz,
  deleted_at timestamptz
);

CREATE TABLE domains (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  domain text NOT NULL CHECK (domain = lower(domain) AND length(domain) <= 253),
  state text NOT NULL CHECK (state IN ('pending', 'verified', 'lapsed', 'expired')),
  -- The 128-bit value of the DNS TXT record; null when an operator verified by hand.
  token text,
  verified_by text CHECK (verified_by IN ('dns', 'operator', 'provision')),
  include_subdomains boolean NOT NULL DEFAULT false,
  -- Provider ids that may assert an address of this domain (D6).
  asserted_by text[] NOT NULL,
  join_mode text NOT NULL DEFAULT 'auto' CHECK (join_mode IN ('auto', 'invite', 'request')),
  default_role text NOT NULL DEFAULT 'member' CHECK (default_role IN ('viewer', 'member', 'admin')),
  -- May a once-verified address join by itself (D7)?
  allow_once boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  verified_at timestamptz,
  checked_at timestamptz
);
-- Only proof is exclusive: a squatter's pending claim blocks nobody.
CREATE UNIQUE INDEX domains_verified ON domains (domain) WHERE state = 'verified';
CREATE UNIQUE INDEX domains_once_per_tenant ON domains (tenant_id, domain);

-- Organisations of identity providers that operators mapped: Auth0 org_id, Entra tid (D8).
CREATE TABLE organizations (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  iss text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('org_id', 'tid')),
  value text NOT NULL CHECK (length(value) BETWEEN 1 AND 255),
  join_mode text NOT NULL DEFAULT 'auto' CHECK (join_mode IN ('auto', 'invite', 'request')),
  default_role text NOT NULL DEFAULT 'member' CHECK (default_role IN ('viewer', 'member', 'admin')),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (iss, kind, value)
);
CREATE INDEX organizations_tenant ON organizations (tenant_id);

CREATE TABLE members (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  -- The person (OIDC Core section 5.7). Never the email.
  iss text NOT NULL CHECK (length(iss) BETWEEN 1 AND 2048),
  sub text NOT NULL CHECK (length(sub) BETWEEN 1 AND 255),
  provider text NOT NULL,
  email text,
  name text,
  role text NOT NULL CHECK (role IN ('viewer', 'member', 'admin', 'owner')),
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'requested', 'removed')),
  -- How they came to belong. 'domain' and 'organization' hold only while the token still shows that evidence (D7).
  source text NOT NULL CHECK (source IN ('operator', 'domain', 'organization', 'invitation', 'provision', 'personal', 'development')),
  -- The domain, or `kind:value` of the organisation.
  evidence text,
  -- The first tenant joined; changes only by the person's own act (D9).
  home boolean NOT NULL DEFAULT false,
  -- `member revoke-tokens`: tokens issued earlier are refused (D22).
  tokens_not_before timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  removed_at timestamptz,
  UNIQUE (tenant_id, iss, sub)
);
CREATE INDEX members_person ON members (iss, sub);
CREATE UNIQUE INDEX members_home ON members (iss, sub) WHERE home;

CREATE TABLE api_keys (
  -- The public part of gh_key_<id>_<secret>_<crc>.
  id text PRIMARY KEY CHECK (id ~ '^[0-9A-Za-z]{12}$'),
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  -- SHA-256 of the whole key; the key itself is shown once and stored nowhere.
  digest bytea NOT NULL CHECK (length(digest) = 32),
  scopes text[] NOT NULL,
  -- The person who made it: the key's scopes are cut by their present role, and it stops when they are removed (D23).
  -- Null: made by an operator, then `role` is the limit.
  creator_member_id uuid REFERENCES members (id),
  role text NOT NULL CHECK (role IN ('viewer', 'member', 'admin')),
  -- Addresses it may be used from, CIDR notation; empty: any.
  cidrs text[] NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  -- Stamped at most once a minute.
  last_used_at timestamptz,
  last_used_ip text,
  rotated_to text
);
CREATE INDEX api_keys_tenant ON api_keys (tenant_id);

-- Single tokens (by digest) and people (iss, sub) that are refused everywhere (D22).
CREATE TABLE revocations (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('token', 'person')),
  -- Hex SHA-256 of the token, or of iss || NUL || sub.
  digest text NOT NULL,
  iss text,
  sub text,
  reason text,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- After this the token is expired anyway; null for people.
  until timestamptz,
  UNIQUE (kind, digest)
);

-- Administrative changes, and refusals that belong to no tenant. Append-only by grant; each row carries an HMAC (D35).
CREATE TABLE audit (
  id uuid PRIMARY KEY,
  at timestamptz NOT NULL,
  -- Whom it concerns; no foreign key, rows outlive tenants.
  tenant_id uuid,
  iss text,
  sub text,
  key_id text,
  -- `object.verb` in the past tense (tenant.created), or the refusal's code (refused.token_expired).
  action text NOT NULL,
  target text,
  outcome text NOT NULL CHECK (outcome IN ('ok', 'refused', 'failed')),
  latency_ms integer,
  request_id text,
  ip text,
  -- What changed, without secrets; for refusals the detail line.
  detail jsonb,
  arguments_digest text,
  mac text NOT NULL
);
CREATE INDEX audit_tenant ON audit (tenant_id, id);

-- Every 10 minutes: how many rows lie between two ids and a signed digest over their MACs, so that a deleted row shows.
CREATE TABLE audit_checkpoints (
  id uuid PRIMARY KEY,
  at timestamptz NOT NULL,
  from_id uuid NOT NULL,
  to_id uuid NOT NULL,
  rows bigint NOT NULL,
  digest text NOT NULL,
  mac text NOT NULL
);

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE domains ENABLE ROW LEVEL SECURITY;
ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit ENABLE ROW LEVEL SECURITY;

CREATE POLICY resolver ON tenants TO gatehouse_resolver, gatehouse_operator USING (true) WITH CHECK (true);
CREATE POLICY desk ON tenants FOR SELECT TO gatehouse_desk USING (id = current_setting('gatehouse.tenant')::uuid);
CREATE POLICY resolver ON domains TO gatehouse_resolver, gatehouse_operator USING (true) WITH CHECK (true);
CREATE POLICY resolver ON organizations TO gatehouse_resolver, gatehouse_operator USING (true) WITH CHECK (true);
CREATE POLICY resolver ON members TO gatehouse_resolver, gatehouse_operator USING (true) WITH CHECK (true);
CREATE POLICY resolver ON api_keys TO gatehouse_resolver, gatehouse_operator USING (true) WITH CHECK (true);
CREATE POLICY resolver ON audit TO gatehouse_resolver, gatehouse_operator USING (true) WITH CHECK (true);
CREATE POLICY desk ON domains TO gatehouse_desk USING (tenant_id = current_setting('gatehouse.tenant')::uuid) WITH CHECK (tenant_id = current_setting('gatehouse.tenant')::uuid);
CREATE POLICY desk ON organizations FOR SELECT TO gatehouse_desk USING (tenant_id = current_setting('gatehouse.tenant')::uuid);
CREATE POLICY desk ON members TO gatehouse_desk USING (tenant_id = current_setting('gatehouse.tenant')::uuid) WITH CHECK (tenant_id = current_setting('gatehouse.tenant')::uuid);
CREATE POLICY desk ON api_keys TO gatehouse_desk USING (tenant_id = current_setting('gatehouse.tenant')::uuid) WITH CHECK (tenant_id = current_setting('gatehouse.tenant')::uuid);
CREATE POLICY desk ON audit TO gatehouse_desk USING (tenant_id = current_setting('gatehouse.tenant')::uuid) WITH CHECK (tenant_id = current_setting('gatehouse.tenant')::uuid);

GRANT SELECT ON tenants, domains, organizations, members, api_keys, revocations TO gatehouse_resolver;
GRANT INSERT ON members, audit, audit_checkpoints, revocations TO gatehouse_resolver;
GRANT SELECT ON audit, audit_checkpoints TO gatehouse_resolver;
GRANT UPDATE (email, name, role, status, source, evidence) ON members TO gatehouse_resolver;
GRANT UPDATE (last_used_at, last_used_ip) ON api_keys TO gatehouse_resolver;

GRANT SELECT ON tenants, organizations TO gatehouse_desk;
GRANT SELECT, INSERT, UPDATE, DELETE ON domains, members, api_keys TO gatehouse_desk;
GRANT SELECT, INSERT ON audit TO gatehouse_desk;

GRANT SELECT, INSERT, UPDATE, DELETE ON tenants, domains, organizations, members, api_keys, revocations TO gatehouse_operator;
GRANT SELECT, INSERT ON audit, audit_checkpoints TO gatehouse_operator;
