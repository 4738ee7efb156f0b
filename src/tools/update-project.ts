import { z } from 'zod'
import { defineTool, sql } from '#toolkit/tool.ts'
import { changed, changeText } from './shared/change.ts'
import { idOf, only } from './shared/fields.ts'
import { tellProject } from './shared/news.ts'
import { project, projectFields, toProject, type ProjectRow } from './shared/project.ts'

export default defineTool({
  title: 'Update project',
  description:
    'Changes the name, description or status of a project. Fields you leave out stay as they are. Archive with status "archived".',
  scopes: ['projects:write'],
  access: 'write',
  annotations: { destructiveHint: true, idempotentHint: true },
  input: z.object({ id: idOf('project'), ...z.object(projectFields).partial().shape }),
  output: project,
  run: async ({ id, ...given }, { db, now, changed: tell }) => {
    const rows = await db.query<ProjectRow>(sql`SELECT * FROM projects WHERE id = ${id}::uuid FOR UPDATE`)
    const before = only(rows, 'project')
    const { name, description, status } = before
    const { after, fields } = changed({ name, description, status }, given)
    const saved = await db.query<ProjectRow>(sql`
      UPDATE projects SET name = ${after.name}, description = ${after.description}, status = ${after.status},
        updated_at = ${fields.length > 0 ? new Date(now()) : before.updated_at}
      WHERE id = ${id}::uuid RETURNING *`)
    const structured = toProject(only(saved, 'project'))
    if (fields.length > 0) {
      tell('resources')
      tellProject({ changed: tell }, id)
    }
    return { text: changeText('project', structured.name, fields), structured }
  },
})
