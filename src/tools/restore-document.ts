import { z } from 'zod'
import { defineTool, userId } from '#toolkit/tool.ts'
import { document, expectedVersion, PART, readDocument, readVersion, MOST_CONTENT } from './shared/document.ts'
import { holdDocument, saveDocument } from './shared/document-change.ts'
import { idOf } from './shared/fields.ts'
import { tellDocument } from './shared/news.ts'

export default defineTool({
  title: 'Restore document',
  description:
    'Brings a document back to an earlier version: its title, content, tags and format; the project stays. This is a new version, so nothing is lost. list_document_versions tells which versions there are.',
  scopes: ['documents:write'],
  access: 'write',
  input: z.object({
    id: idOf('document'),
    version: z.int().min(1).max(2_147_483_647).describe('The version to bring back.'),
    expected_version: expectedVersion,
  }),
  output: document,
  run: async ({ id, version, expected_version }, { db, principal, now, changed }) => {
    const held = await holdDocument(db, id, expected_version)
    const { title, content, tags, format } = await readVersion(db, { id, version }, 0, MOST_CONTENT)
    const isNow = version === held.version
    if (!isNow) {
      await saveDocument(
        db,
        held,
        { title, content, tags, format, project_id: held.project_id },
        { by: userId(principal.identity), now: now() },
      )
      tellDocument({ changed }, id, held.project_id)
    }
    const structured = await readDocument(db, id, 0, PART)
    const said = isNow
      ? `Nothing changed: version ${version} is the present one.`
      : `Restored version ${version} of document "${structured.title}" as version ${structured.version}.`
    return { text: said, structured }
  },
})
