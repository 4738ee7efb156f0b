import { resolve } from 'node:path'
import type { ConfigReader } from './config-reader.ts'

/** METRICS_TOKEN; null: it is not set. */
export function readMetricsToken(reader: ConfigReader): string | null {
  const token = reader.text('METRICS_TOKEN')
  if (token === null || token.length >= 16) return token
  return reader.problem('METRICS_TOKEN', 'must have at least 16 characters')
}

/** D5: no default, and no path that depends on where somebody stood. What is in it is judged when it is loaded. */
export function readToolsDir(reader: ConfigReader): string | null {
  const folder = reader.text('TOOLS_DIR')
  if (folder === null || folder === resolve(folder)) return folder
  return reader.problem('TOOLS_DIR', 'must be an absolute path')
}
