import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '#base/clock.ts'
import { openEmbedder } from '#base/embedder-open.ts'
import { createGuardedFetch } from '#base/fetch.ts'
import type { TenantDb } from '#db/database.ts'
import { indexTurn } from '#tenancy/passages/indexer.ts'
import { hasVectors, indexNearest } from '#tenancy/passages/nearest.ts'
import { forgetEmbeddings, progressOf } from '#tenancy/passages/queue.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import type { Define } from './commands.ts'
import { display } from './migrate-display.ts'
import { logOf, withRegistry } from './session.ts'
import { sheet } from './table.ts'
import { answer, EXIT, tell } from './terminal.ts'

interface Options {
  readonly tenant: string
  readonly all?: boolean
  readonly json?: boolean
}

const MINUTE = 60_000

/** `reindex --tenant` */
export const define: Define = (command, { terminal, end }) => {
  command
    .requiredOption('--tenant <slug>', 'whose documents')
    .option('--all', 'embed every passage again, also those that have an embedding of this model')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nEmbeds what waits, forgets embeddings of other models, and makes the index for them where the database has pgvector. Run again after an\ninterruption: nothing that has an embedding is asked for again. Exit 3: some passages still wait; servers go on with them.',
    )
    .action(async ({ tenant: slug, all = false, json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor, database, config }) => {
        const { embeddings, egressAllowPrivate, developmentSignIn } = config
        if (embeddings === null)
          throw new RegistryError(
            'conflict',
            'search by meaning is not set up: set EMBEDDINGS_URL or EMBEDDINGS_FOLDER, see docs/tools/search.md',
          )
        const tenant = await registry.tenants.get(actor, slug)
        if (tenant.schemaVersion < database.admin.required.tenant)
          throw new RegistryError(
            'conflict',
            `${slug} is not migrated to this version: run \`gatehouse migrate\` first`,
          )
        const fetch = createGuardedFetch({ allowPrivate: egressAllowPrivate || developmentSignIn })
        const log = logOf(terminal)
        const { embedder, close } = await openEmbedder(embeddings, { fetch, clock: systemClock, log })
        const inTenant = async <T>(access: 'read' | 'write', run: (db: TenantDb) => Promise<T>): Promise<T> =>
          await database.tenant(tenant, { access, timeout: MINUTE }, run)
        try {
          const forgotten = await inTenant('write', async (db) => await forgetEmbeddings(db, embedder.model, all))
          if (forgotten > 0) tell(terminal, `${forgotten} passages wait for an embedding of ${embeddings.model}.`)
          const bar = display(terminal, () => performance.now(), 'passages')
          const signal = terminal.stop ?? new AbortController().signal
          const work = { database, embedder, batch: embeddings.batch, clock: systemClock, log, signal }
          for (let over = false; !over && !signal.aborted;) {
            const { turn, asked } = await indexTurn(work, tenant)
            over = turn !== 'more'
            if (!asked) continue
            const { passages, embedded } = await inTenant('read', async (db) => await progressOf(db, embedder.model))
            bar({ total: passages, done: embedded, current: null, failed: [] })
            await pause(MINUTE / embeddings.perMinute)
          }
          const vectors = await inTenant('read', hasVectors)
          if (vectors) await database.admin.owning(tenant, async (db) => await indexNearest(db, embedder.dimensions))
          else tell(terminal, 'The database has no pgvector in the schema ext: search stays by words only.')
          const { documents, passages, embedded } = await inTenant(
            'read',
            async (db) => await progressOf(db, embedder.model),
          )
          const outcome = { documents, passages, embedded, waiting: passages - embedded, index: vectors }
          answer(terminal, json, { slug, ...outcome }, () => sheet(outcome))
          if (outcome.waiting > 0) end(EXIT.partial)
        } finally {
          await close()
          await fetch.close()
        }
      })
    })
}
