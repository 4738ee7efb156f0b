-- Proof of domains by DNS, invitations, and requests to join that were declined. Additions only: the version before still runs.

ALTER TABLE domains
  -- When the present claim began: 30 days without proof end it. Null: never claimed, an operator's or a provisioned row.
  ADD COLUMN claimed_at timestamptz,
  -- The member who becomes owner by this proof, in a tenant without one (D10). Null: nobody.
  ADD COLUMN owner_candidate uuid,
  -- When the background looks next; null: never.
  ADD COLUMN next_check timestamptz,
  -- Judged failures since the claim or the last proof. What could not be judged does not count.
  ADD COLUMN failures integer NOT NULL DEFAULT 0,
  ADD COLUMN failing_since timestamptz,
  -- The record is right, but an operator has to approve: another tenant holds the domain, or this proof lapsed once (D8).
  ADD COLUMN awaiting_since timestamptz,
  -- Stays set until an operator approves.
  ADD COLUMN lapsed_at timestamptz,
  -- What the last check found wrong, a code of src/tenancy/domain-problem.ts.
  ADD COLUMN problem text;
CREATE INDEX domains_due ON domains (next_check) WHERE next_check IS NOT NULL;

-- A row that is not to ask again before then; status stays 'requested', so that the version before lets nobody in by it.
ALTER TABLE members ADD COLUMN declined_until timestamptz;

CREATE TABLE invitations (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  -- The address with its domain in lower case.
  email text NOT NULL CHECK (length(email) BETWEEN 3 AND 320),
  role text NOT NULL CHECK (role IN ('viewer', 'member', 'admin', 'owner')),
  -- SHA-256 of the link's value, which is stored nowhere.
  digest bytea NOT NULL CHECK (length(digest) = 32),
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'accepted', 'revoked', 'expired')),
  -- The member who invited and must still be able to when it is accepted; null: an operator.
  inviter_member_id uuid REFERENCES members (id),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  accepted_at timestamptz,
  accepted_member_id uuid REFERENCES members (id)
);
CREATE UNIQUE INDEX invitations_pending ON invitations (tenant_id, email) WHERE state = 'pending';

ALTER TABLE invitations ENABLE ROW LEVEL SECURITY;
CREATE POLICY resolver ON invitations TO gatehouse_resolver, gatehouse_operator USING (true) WITH CHECK (true);
CREATE POLICY desk ON invitations TO gatehouse_desk USING (tenant_id = current_setting('gatehouse.tenant')::uuid) WITH CHECK (tenant_id = current_setting('gatehouse.tenant')::uuid);

-- The watcher only takes rows that are due; what comes of the check is written as the tenant's desk.
GRANT UPDATE (next_check) ON domains TO gatehouse_resolver;
GRANT UPDATE (declined_until, removed_at) ON members TO gatehouse_resolver;
GRANT SELECT, UPDATE (state, accepted_at, accepted_member_id) ON invitations TO gatehouse_resolver;
GRANT SELECT, INSERT, UPDATE ON invitations TO gatehouse_desk;
GRANT SELECT, INSERT, UPDATE, DELETE ON invitations TO gatehouse_operator;
