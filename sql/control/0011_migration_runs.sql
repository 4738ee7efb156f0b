-- What became of the last migration of each tenant, and who is at it now. Additions only: the version before still runs.

-- Tenants whose last try failed. The row goes when a later one succeeds.
CREATE TABLE migration_failures (
  tenant_id uuid PRIMARY KEY REFERENCES tenants (id),
  -- The file that failed; null: before or after the files.
  file text,
  error text NOT NULL,
  sqlstate text,
  hint text,
  failed_at timestamptz NOT NULL
);

-- One row per run of `migrate` over tenants. A run that says nothing for a while was ended from outside.
CREATE TABLE migration_runs (
  id uuid PRIMARY KEY,
  -- Host and process, for whoever looks for it.
  runner text NOT NULL,
  -- Version that it brings tenants to.
  version integer NOT NULL,
  started_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  ended_at timestamptz,
  total integer NOT NULL,
  done integer NOT NULL,
  failed integer NOT NULL
);
CREATE INDEX migration_runs_started ON migration_runs (started_at);

ALTER TABLE migration_failures ENABLE ROW LEVEL SECURITY;
ALTER TABLE migration_runs ENABLE ROW LEVEL SECURITY;
CREATE POLICY operator ON migration_failures TO gatehouse_operator USING (true) WITH CHECK (true);
CREATE POLICY operator ON migration_runs TO gatehouse_operator USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON migration_failures, migration_runs TO gatehouse_operator;
