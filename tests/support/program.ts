import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A program of that name on the PATH, or null: what npm does not bring is used where it is installed. */
export function findProgram(...names: readonly string[]): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  for (const path of names.flatMap((name) => folders.map((folder) => join(folder, name)))) {
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not in this one.
    }
  }
  return null
}
