-- A sign-in that was renewed at least once (D28): which generation of its refresh token is the present one. The first refresh makes the row;
-- the sign-in itself stores nothing. Rows of ended sign-ins are deleted on the way.

CREATE TABLE sign_in_families (
  id uuid PRIMARY KEY,
  iss text NOT NULL CHECK (length(iss) BETWEEN 1 AND 2048),
  sub text NOT NULL CHECK (length(sub) BETWEEN 1 AND 255),
  provider text NOT NULL,
  -- Hex SHA-256 of the client_id, which may be a long sealed registration.
  client_id_digest text NOT NULL CHECK (length(client_id_digest) = 64),
  -- Of the refresh token that may be used next.
  generation integer NOT NULL CHECK (generation >= 0),
  -- The last answer, sealed, for whoever asks again with the generation before (30 s); null before the first and later.
  answer text,
  rotated_at timestamptz,
  -- 30 days after the sign-in.
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz
);
CREATE INDEX sign_in_families_expires ON sign_in_families (expires_at);
CREATE INDEX sign_in_families_answered ON sign_in_families (rotated_at) WHERE answer IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_families TO gatehouse_resolver, gatehouse_operator;
