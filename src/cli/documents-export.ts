import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemClock } from '#base/clock.ts'
import { auditKey, CONTROL_SCHEMA } from '#tenancy/audit.ts'
import { authorOf, createLedger, needOperator } from '#tenancy/ledger.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { documentsAfter, type ExportedDocument } from '#tools/shared/document-source.ts'
import type { Session } from './session.ts'

/** The list of what was written, beside it. */
const LIST = 'documents.json'

/**
 * Present versions of a tenant's documents as files in a folder that is new or empty, readable for their owner alone, with `documents.json`
 * that says what they are. A file that was imported has its path again. Noted in the audit before the first byte. Answers how many.
 */
export async function exportDocuments(
  { database, config, actor }: Session,
  tenant: Tenant,
  { folder, project_id }: { readonly folder: string; readonly project_id: string | null },
): Promise<number> {
  needOperator(actor)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if ((await readdir(folder)).length > 0) throw new RegistryError('conflict', `${folder} is not empty`)
  const [secret = ''] = config.sessionSecrets
  const ledger = createLedger({ database, clock: systemClock, auditKey: auditKey(secret, CONTROL_SCHEMA) })
  const detail = project_id === null ? {} : { project_id }
  await ledger.write({ as: 'operator' }, tenant.id, authorOf(actor), async () => [
    undefined,
    { action: 'documents.exported', target: tenant.slug, detail, changes: [] },
  ])

  const list: unknown[] = []
  const taken: Taken = { files: new Set([LIST]), folders: new Set() }
  for (let after: string | null = null; ;) {
    const from: string | null = after
    const page: readonly ExportedDocument[] = await database.tenant(
      tenant,
      { access: 'read' },
      async (db) => await documentsAfter(db, project_id, from),
    )
    for (const document of page) {
      const path = pathOf(document, taken)
      taken.files.add(path.toLowerCase())
      for (const parent of parents(path)) taken.folders.add(parent.toLowerCase())
      await mkdir(dirname(join(folder, path)), { recursive: true, mode: 0o700 })
      await writeFile(join(folder, path), document.content, { flag: 'wx', mode: 0o600 })
      const { content: _, source: __, ...said } = document
      list.push({ path, ...said })
    }
    after = page.at(-1)?.id ?? null
    if (after === null) break
  }
  await writeFile(join(folder, LIST), `${JSON.stringify(list, null, 2)}\n`, { flag: 'wx', mode: 0o600 })
  return list.length
}

/** Paths that are written, in lower case: not every file system tells A from a. */
interface Taken {
  readonly files: Set<string>
  readonly folders: Set<string>
}

/** Letters, digits and a few signs in each part, and no part that leads elsewhere: the path comes from data, and data from anywhere. */
const PLAIN_PATH = /^(?!.*(?:^|\/)\.)(?!.*\/\/)[\p{L}\p{N} ._/()+-]{1,200}$/u

/** The path it was imported from, or one of its title and id where that is none, or taken. */
function pathOf({ id, title, format, source }: ExportedDocument, taken: Taken): string {
  const isPlain = source !== null && PLAIN_PATH.test(source) && !source.startsWith('/') && !source.endsWith('/')
  if (isPlain && isFree(source, taken)) return source
  const name = title
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60)
  return `${name === '' ? 'document' : name}-${id}.${format === 'markdown' ? 'md' : 'txt'}`
}

/** No file of that name, no folder of that name, and no file where one of its folders must be. */
const isFree = (path: string, { files, folders }: Taken): boolean =>
  !files.has(path.toLowerCase()) &&
  !folders.has(path.toLowerCase()) &&
  !parents(path).some((parent) => files.has(parent.toLowerCase()))

/** 'a/b/c.md': 'a', 'a/b' */
const parents = (path: string): readonly string[] =>
  path
    .split('/')
    .slice(0, -1)
    .map((_, index, parts) => parts.slice(0, index + 1).join('/'))
