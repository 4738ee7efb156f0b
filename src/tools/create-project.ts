import { z } from 'zod'
import { defineTool, sql, userId, uuidv7 } from '#toolkit/tool.ts'
import { only } from './shared/fields.ts'
import { tellProject } from './shared/news.ts'
import { project, projectFields, toProject, type ProjectRow } from './shared/project.ts'

export default defineTool({
  title: 'Create project',
  description: 'Creates a project, which groups todos and documents. Answers the project with its id.',
  scopes: ['projects:write'],
  access: 'write',
  input: z.object({ name: projectFields.name, description: projectFields.description.default('') }),
  output: project,
  run: async ({ name, description }, { db, principal, now, changed }) => {
    const at = new Date(now())
    const rows = await db.query<ProjectRow>(sql`
      INSERT INTO projects (id, name, description, created_by, created_at, updated_at)
      VALUES (${uuidv7(now())}, ${name}, ${description}, ${userId(principal.identity)}, ${at}, ${at}) RETURNING *`)
    const structured = toProject(only(rows, 'project'))
    changed('resources')
    tellProject({ changed }, structured.id)
    return { text: `Created project "${structured.name}", id ${structured.id}.`, structured }
  },
})
