import { register } from 'node:module'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Runs in Node's loader thread, hence as text. */
const HOOK = `
let known
export const initialize = (data) => { known = data }
export const resolve = async (specifier, context, next) =>
  specifier === 'gatehouse' && context.parentURL?.startsWith(known.folder)
    ? { url: known.gatehouse, shortCircuit: true }
    : await next(specifier, context)
`

/**
 * Lets files of `folder` write `import ... from 'gatehouse'` wherever the folder lies, and makes it mean this very program: a second
 * copy would have another ToolError and another `sql`, which ours would not know.
 */
export function resolveGatehouse(folder: string): void {
  const gatehouse = new URL(`../index${extname(import.meta.url)}`, import.meta.url).href
  register(`data:text/javascript,${encodeURIComponent(HOOK)}`, {
    data: { folder: `${pathToFileURL(folder).href}/`, gatehouse },
  })
}
