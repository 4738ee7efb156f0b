-- Documents with versions, tags and a format. The version before goes on: it writes no history and leaves `version` as it is.

ALTER TABLE documents ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE documents ADD COLUMN tags text[] NOT NULL DEFAULT '{}';
ALTER TABLE documents ADD COLUMN format text NOT NULL DEFAULT 'markdown';
-- Who made the present version; null: created_by.
ALTER TABLE documents ADD COLUMN updated_by text;
-- Where `gatehouse documents import` has it from, and the SHA-256 of the file: the same file is imported once.
ALTER TABLE documents ADD COLUMN source text;
ALTER TABLE documents ADD COLUMN source_digest text;

ALTER TABLE documents ADD CONSTRAINT documents_version CHECK (version >= 1) NOT VALID;
ALTER TABLE documents ADD CONSTRAINT documents_tags CHECK (cardinality(tags) <= 20) NOT VALID;
ALTER TABLE documents ADD CONSTRAINT documents_format CHECK (format IN ('markdown', 'plain')) NOT VALID;
ALTER TABLE documents ADD CONSTRAINT documents_source_length CHECK (length(source) <= 500) NOT VALID;
ALTER TABLE documents VALIDATE CONSTRAINT documents_version;
ALTER TABLE documents VALIDATE CONSTRAINT documents_tags;
ALTER TABLE documents VALIDATE CONSTRAINT documents_format;
ALTER TABLE documents VALIDATE CONSTRAINT documents_source_length;

CREATE INDEX documents_by_tag ON documents USING gin (tags);
CREATE UNIQUE INDEX documents_by_source ON documents (source, project_id) NULLS NOT DISTINCT WHERE source IS NOT NULL;

-- What a document was before each change; the present version is in `documents` alone.
CREATE TABLE document_versions (
  id uuid PRIMARY KEY,
  document_id uuid NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
  version integer NOT NULL CHECK (version >= 1),
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 300),
  content text NOT NULL CHECK (length(content) <= 200000),
  tags text[] NOT NULL CHECK (cardinality(tags) <= 20),
  format text NOT NULL CHECK (format IN ('markdown', 'plain')),
  saved_by text NOT NULL,
  saved_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX document_versions_by_version ON document_versions (document_id, version);
