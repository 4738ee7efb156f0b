import { z } from 'zod'
import { defineTool, userId } from '#toolkit/tool.ts'
import { document, documentFields, documentLine, PART, readDocument } from './shared/document.ts'
import { insertDocument } from './shared/document-change.ts'
import { tellDocument } from './shared/news.ts'
import { holdProject } from './shared/project.ts'

export default defineTool({
  title: 'Create document',
  description:
    'Stores a text as a document, alone or in a project, and makes it findable with search_documents. Answers the document.',
  scopes: ['documents:write'],
  access: 'write',
  input: z.object({
    ...documentFields,
    project_id: documentFields.project_id.default(null),
    tags: documentFields.tags.default([]),
    format: documentFields.format.default('markdown'),
  }),
  output: document,
  run: async (given, { db, principal, now, changed }) => {
    await holdProject(db, given.project_id)
    const id = await insertDocument(db, given, { by: userId(principal.identity), now: now() })
    tellDocument({ changed }, id, given.project_id)
    const structured = await readDocument(db, id, 0, PART)
    return { text: `Created document ${documentLine(structured)}.`, structured }
  },
})
