import { z } from 'zod'
import { defineTool, sql } from '#toolkit/tool.ts'
import { idOf, only } from './shared/fields.ts'
import { project, projectLine, toProject, type ProjectRow } from './shared/project.ts'

export default defineTool({
  title: 'Get project',
  description:
    'Answers one project by its id. Its todos and documents come from list_todos and list_documents with project_id.',
  scopes: ['projects:read'],
  access: 'read',
  input: z.object({ id: idOf('project') }),
  output: project,
  run: async ({ id }, { db }) => {
    const rows = await db.query<ProjectRow>(sql`SELECT * FROM projects WHERE id = ${id}::uuid`)
    const structured = toProject(only(rows, 'project'))
    return {
      text: [projectLine(structured), structured.description].filter((line) => line !== '').join('\n\n'),
      structured,
    }
  },
})
