-- Rate limits of all replicas together (RATE_LIMIT_STORE=postgres). Additions only: the version before still runs.
-- Unlogged: nothing is written ahead for it, and after a crash of Postgres everybody begins at nothing.
CREATE UNLOGGED TABLE counters (
  -- Of a digest: neither an address nor a person.
  key text PRIMARY KEY CHECK (key ~ '^[A-Za-z0-9_-]{1,22}$'),
  points bigint NOT NULL,
  expires_at timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX counters_expires ON counters (expires_at);

ALTER TABLE counters ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON counters TO gatehouse_resolver USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON counters TO gatehouse_resolver;
