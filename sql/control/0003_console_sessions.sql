-- Which sessions of the console count no more although their seal is whole: single ones that were signed out, and all of a person that
-- began before a moment. Sessions themselves are stored nowhere (D31).
CREATE TABLE session_cutoffs (
  id uuid PRIMARY KEY,
  -- Hex SHA-256 of iss || NUL || sub.
  person text NOT NULL,
  -- One session; null: every one of this person that began at cut_at or earlier.
  session_id uuid,
  cut_at timestamptz NOT NULL,
  -- No session that this concerns lives longer, so the row may go then.
  until timestamptz NOT NULL
);
CREATE INDEX session_cutoffs_person ON session_cutoffs (person);
CREATE INDEX session_cutoffs_until ON session_cutoffs (until);

ALTER TABLE session_cutoffs ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON session_cutoffs FOR SELECT TO gatehouse_resolver, gatehouse_operator USING (true);
CREATE POLICY cut ON session_cutoffs FOR INSERT TO gatehouse_resolver, gatehouse_operator WITH CHECK (true);
-- A cut-off that still counts can be taken back by nobody.
CREATE POLICY forget ON session_cutoffs FOR DELETE TO gatehouse_resolver, gatehouse_operator USING (until < now());
GRANT SELECT, INSERT, DELETE ON session_cutoffs TO gatehouse_resolver, gatehouse_operator;
