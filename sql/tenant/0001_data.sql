-- What every tenant's schema holds. Unqualified names: the runner sets search_path to the tenant's schema and `ext`.
-- Citus-clean: a primary key on every table, uuid keys, no triggers, no deferred constraints, no key to the registry.

CREATE TABLE projects (
  id uuid PRIMARY KEY,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  description text NOT NULL DEFAULT '' CHECK (length(description) <= 10000),
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'archived')),
  created_by text NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);

CREATE TABLE todos (
  id uuid PRIMARY KEY,
  project_id uuid REFERENCES projects (id) ON DELETE CASCADE,
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 500),
  notes text NOT NULL DEFAULT '' CHECK (length(notes) <= 10000),
  status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'in_progress', 'done', 'cancelled')),
  assignee text CHECK (length(assignee) <= 320),
  due_at timestamptz,
  completed_at timestamptz,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE INDEX todos_project ON todos (project_id, id);
CREATE INDEX todos_status ON todos (status, id);

CREATE TABLE documents (
  id uuid PRIMARY KEY,
  project_id uuid REFERENCES projects (id) ON DELETE CASCADE,
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 300),
  content text NOT NULL CHECK (length(content) <= 200000),
  -- Title weighs more than content. 'simple' finds words of every language as they are written; 'english' also by their stem.
  search tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('pg_catalog.english', title), 'A') || setweight(to_tsvector('pg_catalog.simple', title), 'A') ||
    setweight(to_tsvector('pg_catalog.english', content), 'B') || setweight(to_tsvector('pg_catalog.simple', content), 'B')
  ) STORED,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE INDEX documents_project ON documents (project_id, id);
CREATE INDEX documents_search ON documents USING gin (search);

-- One row per tool call and per refusal that belongs to this tenant. Append-only by grant; each row carries an HMAC (D35).
-- Same columns as the registry's audit, so that one reader and one verifier serve both.
CREATE TABLE audit (
  id uuid PRIMARY KEY,
  at timestamptz NOT NULL,
  tenant_id uuid,
  iss text,
  sub text,
  key_id text,
  -- The tool's name, or `refused.<code>`.
  action text NOT NULL,
  target text,
  outcome text NOT NULL CHECK (outcome IN ('ok', 'refused', 'failed')),
  latency_ms integer,
  request_id text,
  ip text,
  detail jsonb,
  arguments_digest text,
  mac text NOT NULL
);
-- By when it happened, as it is read; ids tell when it was written.
CREATE INDEX audit_at ON audit (at, id);
CREATE INDEX audit_action ON audit (action, at, id);

CREATE TABLE audit_checkpoints (
  id uuid PRIMARY KEY,
  at timestamptz NOT NULL,
  from_id uuid NOT NULL,
  to_id uuid NOT NULL,
  rows bigint NOT NULL,
  digest text NOT NULL,
  mac text NOT NULL
);
