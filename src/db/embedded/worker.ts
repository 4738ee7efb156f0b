/**
 * The thread that holds the embedded database (D19): PGlite is one session that blocks while it works, so it blocks here.
 * Answers each batch of protocol messages with what Postgres says to it. Knows nothing of clients: see server.ts.
 * Imports nothing of ours, so that it runs alike from source and compiled.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm'
import { vector } from '@electric-sql/pglite-pgvector'

const port = parentPort
const options: unknown = workerData
if (port === null || typeof options !== 'object' || options === null || !('folder' in options))
  throw new Error('not a worker')

const database = await PGlite.create({ dataDir: String(options.folder), extensions: { vector, pg_trgm } })

port.on('message', (message: Uint8Array | null) => {
  if (message === null) {
    void database.close().then(() => process.exit(0))
    return
  }
  const chunks: Uint8Array[] = []
  // Answers come in pieces that live in the database's own memory: each is copied before the next overwrites it.
  database
    .execProtocolRawStream(message, { syncToFs: false, onRawData: (piece) => chunks.push(piece.slice()) })
    .then(() => port.postMessage(Buffer.concat(chunks)))
    .catch((error: unknown) => {
      throw error
    })
})
port.postMessage(null)
