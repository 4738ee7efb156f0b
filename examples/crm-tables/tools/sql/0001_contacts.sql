CREATE TABLE x_contacts (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  email text NOT NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT x_contacts_email UNIQUE (email)
);

CREATE TABLE x_contact_notes (
  id uuid PRIMARY KEY,
  contact_id uuid NOT NULL REFERENCES x_contacts (id) ON DELETE CASCADE,
  text text NOT NULL,
  created_at timestamptz NOT NULL
);

CREATE INDEX x_contact_notes_contact ON x_contact_notes (contact_id, id);
