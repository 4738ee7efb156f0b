import { z } from 'zod'
import { defineTool, sql, userId, uuidv7 } from '#toolkit/tool.ts'
import { document, documentFields, documentLine, indexed, PART, readDocument } from './shared/document.ts'
import { holdProject } from './shared/project.ts'

export default defineTool({
  title: 'Create document',
  description:
    'Stores a text as a document, alone or in a project, and makes it findable with search_documents. Answers the document.',
  scopes: ['documents:write'],
  access: 'write',
  input: z.object({ ...documentFields, project_id: documentFields.project_id.default(null) }),
  output: document,
  run: async ({ title, content, project_id }, { db, principal, now }) => {
    await holdProject(db, project_id)
    const id = uuidv7(now())
    const at = new Date(now())
    await indexed(
      db.query(sql`
      INSERT INTO documents (id, project_id, title, content, created_by, created_at, updated_at)
      VALUES (${id}, ${project_id}, ${title}, ${content}, ${userId(principal.identity)}, ${at}, ${at})`),
    )
    const structured = await readDocument(db, id, 0, PART)
    return { text: `Created document ${documentLine(structured)}.`, structured }
  },
})
