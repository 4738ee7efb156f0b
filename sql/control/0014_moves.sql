-- Moves of tenants from one Postgres server to another (src/tenancy/moves.ts), one row each, kept. Addition only: the version before runs on.

CREATE TABLE moves (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  -- Placements.
  source text NOT NULL,
  target text NOT NULL,
  -- stopped: the source is being shut and the registry about to be switched. switched: the tenant lives on the target, what it left is kept.
  state text NOT NULL CHECK (state IN ('copying', 'catching_up', 'stopped', 'switched', 'confirmed', 'returned', 'cancelled')),
  -- The process that works on it, which says so again and again; by the clock of this server.
  holder uuid NOT NULL,
  held_until timestamptz NOT NULL,
  -- Changes at the source are looked for from this transaction on (64-bit number). Once switched: at the target, for the way back.
  horizon text,
  -- Rows by table, as last counted.
  counts jsonb,
  rounds integer NOT NULL DEFAULT 0,
  -- For how long writes were held up, in milliseconds.
  held_ms integer,
  started_at timestamptz NOT NULL DEFAULT now(),
  switched_at timestamptz,
  ended_at timestamptz,
  -- Why the last attempt ended, in words.
  problem text
);
CREATE UNIQUE INDEX moves_open ON moves (tenant_id) WHERE state IN ('copying', 'catching_up', 'stopped', 'switched');

ALTER TABLE moves ENABLE ROW LEVEL SECURITY;
CREATE POLICY resolver ON moves TO gatehouse_resolver, gatehouse_operator USING (true) WITH CHECK (true);
GRANT SELECT ON moves TO gatehouse_resolver;
GRANT SELECT, INSERT, UPDATE ON moves TO gatehouse_operator;
