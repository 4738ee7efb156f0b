import type { ToolContext } from '#toolkit/tool.ts'
import { documentUri, projectUri } from './addresses.ts'

type Told = Pick<ToolContext, 'changed'>

/** Tells who listens that a document was made, changed or deleted, and with it the overview of the projects that it is or was in. */
export function tellDocument({ changed }: Told, id: string, ...projects: readonly (string | null)[]): void {
  changed({ resource: documentUri(id) })
  changed('resources')
  tellProject({ changed }, ...projects)
}

/** Tells who listens that what these projects' overviews show is different now; null: no project. */
export function tellProject({ changed }: Told, ...projects: readonly (string | null)[]): void {
  for (const id of new Set(projects)) if (id !== null) changed({ resource: projectUri(id) })
}
