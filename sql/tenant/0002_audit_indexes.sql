-- The audit by who, by what it was about and by result, in the order in which it is read (src/tenancy/audit-search.ts).
-- Indexes only: the version before runs on them as well, and the version after runs without them, slower.

CREATE INDEX audit_sub ON audit (sub, at, id);
CREATE INDEX audit_target ON audit (target, at, id) WHERE target IS NOT NULL;
CREATE INDEX audit_outcome ON audit (outcome, at, id);
