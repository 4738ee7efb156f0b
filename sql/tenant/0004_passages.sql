-- Passages of documents and what an embedding model made of them. All of it follows from `documents` and can be made again: an archive
-- leaves it out. Arrays and no `vector`: not every server has pgvector, and the model says how many dimensions there are. Where there is
-- pgvector, `gatehouse reindex` adds an index over ext.vector.

-- Which version of a document its passages are of. The queue: documents that have none here, or another one.
CREATE TABLE document_passages (
  document_id uuid PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
  version integer NOT NULL
);

CREATE TABLE passages (
  id uuid PRIMARY KEY,
  document_id uuid NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
  position integer NOT NULL,
  content text NOT NULL CHECK (length(content) <= 4000),
  -- SHA-256 of what is embedded: the same text is embedded once.
  digest text NOT NULL,
  -- Null: waits for its embedding.
  model text,
  embedding real[],
  -- Nobody takes it before: it is being embedded, or failed and waits.
  not_before timestamptz,
  attempts integer NOT NULL DEFAULT 0,
  CHECK ((model IS NULL) = (embedding IS NULL))
);
CREATE UNIQUE INDEX passages_by_place ON passages (document_id, position);
CREATE INDEX passages_by_digest ON passages (digest);
CREATE INDEX passages_waiting ON passages (id) WHERE embedding IS NULL;
