import { readFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { z } from 'zod'
import type { Definition } from './definition.ts'
import { isPromptDefinition } from './prompt.ts'
import { isResourceDefinition } from './resource.ts'
import { isToolDefinition } from './tool.ts'

/**
 * The definition that a file exports, or in words why there is none, with line and column where it is known.
 * @param version null: as Node holds it. A number: read anew, with all that it imports from its folder.
 */
export async function exportedBy(file: string, version: number | null): Promise<Definition | string> {
  const { href } = pathToFileURL(file)
  try {
    const module: unknown = await import(/* @vite-ignore */ version === null ? href : `${href}?v=${version}`)
    const exported = typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined
    return (
      definitionOf(exported) ??
      'its default export must be what defineTool({...}), defineResource or definePrompt answers'
    )
  } catch (error) {
    const reason = reasonOf(error, href)
    return `it cannot be loaded: ${reason.place ?? (await placeOfSyntax(error, file)) ?? ''}${reason.message}`
  }
}

/** What kind of definition it is; null: none. */
export function definitionOf(value: unknown): Definition | null {
  if (isToolDefinition(value)) return { kind: 'tool', definition: value }
  if (isResourceDefinition(value)) return { kind: 'resource', definition: value }
  if (isPromptDefinition(value)) return { kind: 'prompt', definition: value }
  return null
}

/** The message, and the first place in the author's folder that the stack names. A message of the TypeScript stripper has its place already. */
function reasonOf(error: unknown, href: string): { readonly message: string; readonly place: string | null } {
  if (!(error instanceof Error)) return { message: String(error), place: null }
  const folder = href.slice(0, href.lastIndexOf('/') + 1)
  const places = (error.stack ?? '').match(/file:\/\/[^\s)?]+(?:\?v=\d+)?(?::\d+){1,2}/g) ?? []
  const place = places.find((at) => at.startsWith(folder))
  if (place === undefined) return { message: error.message, place: null }
  return {
    message: error.message,
    place: `${fileURLToPath(place.replace(/(?:\?v=\d+)?(?::\d+){1,2}$/, ''))}${/(?::\d+){1,2}$/.exec(place)?.[0]}: `,
  }
}

/** Node says of a module only that its syntax is wrong, not where. null: this file's is right, so it is that of one it imports. */
async function placeOfSyntax(error: unknown, file: string): Promise<string | null> {
  if (!(error instanceof SyntaxError) || error.message.startsWith('/')) return null
  const { default: stripper } = await import('@swc/wasm-typescript')
  try {
    stripper.transformSync(readFileSync(file, 'utf8'), { mode: 'strip-only' })
    return null
  } catch (found) {
    const at = z.object({ startLine: z.int(), startColumn: z.int() }).safeParse(found)
    return at.success ? `${file}:${at.data.startLine}:${at.data.startColumn + 1}: ` : null
  }
}
