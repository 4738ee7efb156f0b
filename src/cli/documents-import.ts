import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { systemClock } from '#base/clock.ts'
import { createLog } from '#base/log.ts'
import { sqlState } from '#db/errors.ts'
import type { TenantDb } from '#db/database.ts'
import { auditKey, insertAudit, signAudit } from '#tenancy/audit.ts'
import { authorOf, needOperator } from '#tenancy/ledger.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { createSharedChanges } from '#toolkit/changes-shared.ts'
import type { Change } from '#toolkit/context.ts'
import { ToolError } from '#toolkit/tool.ts'
import { knownSources, putSource, type SourceFile, type SourcePlace } from '#tools/shared/document-source.ts'
import { tellDocument } from '#tools/shared/news.ts'
import type { Session } from './session.ts'

export interface ImportOutcome {
  readonly created: number
  readonly updated: number
  readonly unchanged: number
  readonly failed: readonly { readonly path: string; readonly why: string }[]
  /** Files that are neither Markdown nor plain text, hidden ones and links: nobody asked for them. */
  readonly passed_over: number
}

export interface ImportProgress {
  readonly total: number
  readonly done: number
  readonly current: string | null
  readonly failed: readonly unknown[]
}

type Put = Awaited<ReturnType<typeof putSource>>

const FORMATS: ReadonlyMap<string, SourceFile['format']> = new Map([
  ['.md', 'markdown'],
  ['.markdown', 'markdown'],
  ['.txt', 'plain'],
  ['.text', 'plain'],
])
/** Octets: 200,000 UTF-16 units are at most three each in UTF-8, and a byte order mark. */
const MOST_BYTES = 600_003
const MOST_PATH = 500

/**
 * Files of a folder into documents of a tenant, one transaction and one row of its audit each, so that what was ended in the middle goes on
 * where it was: a file whose octets are there already is not sent again. A file that cannot be taken does not stop the others. Follows no links.
 */
export async function importDocuments(
  { database, config, actor }: Session,
  tenant: Tenant,
  { folder, ...place }: SourcePlace & { readonly folder: string },
  onProgress: (progress: ImportProgress) => void,
): Promise<ImportOutcome> {
  needOperator(actor)
  const { paths, passed_over } = await filesIn(folder)
  const known = new Map<string, string>()
  for (let after: string | undefined = ''; after !== undefined;) {
    const from: string = after
    const page = await database.tenant(
      tenant,
      { access: 'read' },
      async (db) => await knownSources(db, place.project_id, from),
    )
    for (const { source, source_digest } of page) known.set(source, source_digest)
    after = page.at(-1)?.source
  }

  const counts = { created: 0, updated: 0, unchanged: 0 }
  const failed: { path: string; why: string }[] = []
  const [secret = ''] = config.sessionSecrets
  const key = auditKey(secret, tenant.schema)
  const author = authorOf(actor)

  const changes = createSharedChanges({
    database,
    secrets: config.sessionSecrets,
    clock: systemClock,
    log: createLog('silent'),
  })
  const changed = (what: Change): void => changes.publish(tenant.id, what)

  async function put(db: TenantDb, file: SourceFile): Promise<Put> {
    const now = systemClock.now()
    const { id, done } = await putSource(db, file, place, { by: `operator:${author.sub}`, now })
    const what = { at: now, tenant_id: tenant.id, action: 'document.imported', target: id, outcome: 'ok' } as const
    const detail = { path: file.path, done }
    if (done !== 'unchanged')
      await insertAudit(db, [
        signAudit(key, { ...what, ...author, detail, latency_ms: null, arguments_digest: null }, now),
      ])
    return { id, done }
  }

  async function take(path: string): Promise<keyof typeof counts> {
    const file = await fileAt(folder, path)
    if (known.get(path) === file.digest) return 'unchanged'
    const write = async (): Promise<Put> =>
      await database.tenant(tenant, { access: 'write' }, async (db) => await put(db, file))
    const again = async (error: unknown): Promise<Put> => {
      // 23505: another import made the same document in the same instant.
      if (sqlState(error) !== '23505') throw error
      return await write()
    }
    const { id, done } = await write().catch(again)
    if (done !== 'unchanged') tellDocument({ changed }, id, place.project_id)
    return done
  }

  try {
    for (const [done, path] of paths.entries()) {
      onProgress({ total: paths.length, done: done - failed.length, current: path, failed })
      try {
        counts[await take(path)] += 1
      } catch (error) {
        if (!(error instanceof ToolError)) throw error
        failed.push({ path, why: error.message })
      }
    }
  } finally {
    await changes.close()
  }
  onProgress({ total: paths.length, done: paths.length - failed.length, current: null, failed })
  return { ...counts, failed, passed_over }
}

/** Paths of all texts below a folder, sorted. */
async function filesIn(folder: string): Promise<{ readonly paths: readonly string[]; readonly passed_over: number }> {
  const paths: string[] = []
  let passed_over = 0
  async function walk(below: string): Promise<void> {
    for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`
      if (entry.isDirectory() && !entry.name.startsWith('.')) await walk(path)
      else if (entry.isFile() && !entry.name.startsWith('.') && FORMATS.has(extname(entry.name).toLowerCase()))
        paths.push(path)
      else passed_over += 1
    }
  }
  await walk('')
  return { paths: paths.toSorted(), passed_over }
}

async function fileAt(folder: string, path: string): Promise<SourceFile> {
  if (path.length > MOST_PATH || /\p{Cc}/u.test(path))
    throw new ToolError(`its path has more than ${MOST_PATH} characters, or control characters`)
  const absolute = join(folder, path)
  if ((await stat(absolute)).size > MOST_BYTES) throw new ToolError('it has more than 200,000 characters')
  const bytes = await readFile(absolute)
  const format = FORMATS.get(extname(path).toLowerCase()) ?? 'plain'
  const content = textOf(bytes)
  const digest = createHash('sha256').update(bytes).digest('hex')
  return { path, digest, title: titleOf(path, content, format), content, format }
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new ToolError('it is not UTF-8')
  }
}

/** The first heading of a Markdown file (`# Title`), or the file's name without its ending. */
function titleOf(path: string, content: string, format: SourceFile['format']): string {
  const heading = format === 'markdown' ? /^#[ \t]+(.+?)[ \t#]*$/m.exec(content)?.[1] : undefined
  const name = basename(path, extname(path))
  return [heading, name].map((title) => cut(title ?? '')).find((title) => title !== '') ?? 'Untitled'
}

/** Characters as the title's limit counts them, UTF-16 units; half a surrogate pair is no character. */
const cut = (title: string): string =>
  title
    .replaceAll(/[\0\p{Cs}]/gu, '')
    .trim()
    .slice(0, 300)
    .replace(/\p{Cs}$/u, '')
    .trim()
