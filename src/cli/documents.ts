import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { InvalidArgumentError } from 'commander'
import { isUuid } from '#base/id.ts'
import { sql } from '#db/sql.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { tags } from '#tools/shared/document.ts'
import type { Define } from './commands.ts'
import { exportDocuments } from './documents-export.ts'
import { importDocuments } from './documents-import.ts'
import { display } from './migrate-display.ts'
import { withRegistry, type Session } from './session.ts'
import { plain, sheet } from './table.ts'
import { answer, EXIT, tell } from './terminal.ts'

interface Options {
  readonly tenant: string
  readonly project?: string
  readonly tag?: readonly string[]
  readonly json?: boolean
}

/** `documents import|export` */
export const define: Define = (command, { terminal, end }) => {
  command
    .command('import <folder>')
    .description('Markdown and text files of a folder, and those below it, into documents of a tenant')
    .requiredOption('--tenant <slug>', 'whose documents they become')
    .option('--project <id>', 'the project they belong to (default: none)', uuid)
    .option('--tag <tag>', 'a tag for each of them; can be given again', tagsOf)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nFiles .md, .markdown, .txt and .text in UTF-8 with up to 200,000 characters. Run again after an interruption, or later: a file that has\nnot changed is left alone, one that has becomes the next version of its document. Exit 3: some files could not be taken.',
    )
    .action(async (from: string, { tenant: slug, project, tag = [], json }: Options) => {
      const folder = resolve(terminal.cwd, from)
      const isFolder = await stat(folder).then(
        (found) => found.isDirectory(),
        () => false,
      )
      if (!isFolder) throw new RegistryError('unknown', `${folder} is no folder`)
      await withRegistry(terminal, async (session) => {
        const tenant = await migrated(session, slug)
        const project_id = await projectOf(session, tenant, project)
        const bar = display(terminal, () => performance.now(), 'files')
        const outcome = await importDocuments(session, tenant, { folder, project_id, tags: tag }, bar)
        for (const { path, why } of outcome.failed) tell(terminal, `${plain(path)}: ${why}`)
        answer(terminal, json, { slug, ...outcome }, () => sheet({ ...outcome, failed: outcome.failed.length }))
        if (outcome.failed.length > 0) end(EXIT.partial)
      })
    })

  command
    .command('export <folder>')
    .description('the documents of a tenant as files in a folder that is new or empty, as they are now')
    .requiredOption('--tenant <slug>', 'whose documents')
    .option('--project <id>', 'only those of this project', uuid)
    .option('--json', 'print one JSON document')
    .action(async (to: string, { tenant: slug, project, json }: Options) => {
      const folder = resolve(terminal.cwd, to)
      await withRegistry(terminal, async (session) => {
        const tenant = await migrated(session, slug)
        const project_id = await projectOf(session, tenant, project)
        const documents = await exportDocuments(session, tenant, { folder, project_id })
        answer(terminal, json, { slug, folder, documents }, () => `${documents} documents in ${folder}`)
      })
    })
}

async function migrated({ registry, actor, database }: Session, slug: string): Promise<Tenant> {
  const tenant = await registry.tenants.get(actor, slug)
  if (tenant.schemaVersion < database.admin.required.tenant)
    throw new RegistryError('conflict', `${slug} is not migrated to this version: run \`gatehouse migrate\` first`)
  return tenant
}

async function projectOf({ database }: Session, tenant: Tenant, id: string | undefined): Promise<string | null> {
  if (id === undefined) return null
  const found = await database.tenant(
    tenant,
    { access: 'read' },
    async (db) => await db.query(sql`SELECT id FROM projects WHERE id = ${id}::uuid`),
  )
  if (found.length === 0) throw new RegistryError('unknown', `${tenant.slug} has no project ${id}`)
  return id
}

function uuid(text: string): string {
  if (!isUuid(text.toLowerCase())) throw new InvalidArgumentError('Write the id of a project (a UUID).')
  return text.toLowerCase()
}

function tagsOf(text: string, before: readonly string[] = []): readonly string[] {
  const all = tags.safeParse([...before, text])
  if (!all.success) throw new InvalidArgumentError('Write up to 20 tags of 1 to 50 characters, without commas.')
  return all.data
}
