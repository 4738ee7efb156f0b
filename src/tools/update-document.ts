import { z } from 'zod'
import { defineTool, userId } from '#toolkit/tool.ts'
import { changed, changeText } from './shared/change.ts'
import { document, documentFields, expectedVersion, PART, readDocument } from './shared/document.ts'
import { holdDocument, saveDocument, type DocumentFields } from './shared/document-change.ts'
import { idOf } from './shared/fields.ts'
import { tellDocument } from './shared/news.ts'
import { holdProject } from './shared/project.ts'

export default defineTool({
  title: 'Update document',
  description:
    'Changes the title, content, tags, format or project of a document. Fields you leave out stay as they are; content given replaces the whole content, tags given replace all tags; null takes it out of its project. The version before is kept: see list_document_versions and restore_document.',
  scopes: ['documents:write'],
  access: 'write',
  annotations: { destructiveHint: true, idempotentHint: true },
  input: z.object({
    id: idOf('document'),
    ...z.object(documentFields).partial().shape,
    expected_version: expectedVersion,
  }),
  output: document,
  run: async ({ id, expected_version, ...given }, { db, principal, now, changed: tell }) => {
    const held = await holdDocument(db, id, expected_version)
    const { title, content, project_id, tags, format } = held
    const { after, fields } = changed<DocumentFields>({ title, content, project_id, tags, format }, given)
    if (fields.includes('project_id')) await holdProject(db, after.project_id)
    if (fields.length > 0) {
      await saveDocument(db, held, after, { by: userId(principal.identity), now: now() })
      tellDocument({ changed: tell }, id, project_id, after.project_id)
    }
    const structured = await readDocument(db, id, 0, PART)
    return { text: changeText('document', structured.title, fields), structured }
  },
})
