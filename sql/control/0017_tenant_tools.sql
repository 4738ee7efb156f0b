-- Names of the tools that a tenant has switched off; all others are on. Additions only: the version before still runs, and goes on offering them.
-- Desk and resolver read it with the rest of the row; only the operator's role writes it.
ALTER TABLE tenants
  ADD COLUMN tools_off text[] NOT NULL DEFAULT '{}' CHECK (cardinality(tools_off) <= 1000 AND array_position(tools_off, NULL) IS NULL);
