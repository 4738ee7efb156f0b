import { z } from 'zod'
import { defineTool, sql } from '#toolkit/tool.ts'
import { changed, changeText } from './shared/change.ts'
import { document, documentFields, indexed, PART, readDocument, type Document } from './shared/document.ts'
import { idOf, only } from './shared/fields.ts'
import { holdProject } from './shared/project.ts'

type Fields = Pick<Document, 'title' | 'content' | 'project_id'>

export default defineTool({
  title: 'Update document',
  description:
    'Changes the title, content or project of a document. Fields you leave out stay as they are; content given replaces the whole content; null takes it out of its project.',
  scopes: ['documents:write'],
  access: 'write',
  annotations: { destructiveHint: true, idempotentHint: true },
  input: z.object({ id: idOf('document'), ...z.object(documentFields).partial().shape }),
  output: document,
  run: async ({ id, ...given }, { db, now }) => {
    const rows = await db.query<Fields>(
      sql`SELECT title, content, project_id FROM documents WHERE id = ${id}::uuid FOR UPDATE`,
    )
    const { after, fields } = changed(only(rows, 'document'), given)
    if (fields.includes('project_id')) await holdProject(db, after.project_id)
    if (fields.length > 0) {
      await indexed(
        db.query(sql`
        UPDATE documents SET title = ${after.title}, content = ${after.content}, project_id = ${after.project_id},
          updated_at = ${new Date(now())} WHERE id = ${id}::uuid`),
      )
    }
    const structured = await readDocument(db, id, 0, PART)
    return { text: changeText('document', structured.title, fields), structured }
  },
})
