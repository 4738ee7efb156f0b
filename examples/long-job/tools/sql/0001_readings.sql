CREATE TABLE x_readings (
  id uuid PRIMARY KEY,
  sensor text NOT NULL,
  value double precision NOT NULL,
  created_at timestamptz NOT NULL
);
