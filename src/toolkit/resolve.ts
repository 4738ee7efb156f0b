import { register } from 'node:module'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Runs in Node's loader thread, hence as text. */
const HOOK = `
let known
export const initialize = (data) => { known = data }
export const resolve = async (specifier, context, next) => {
  const ours = specifier === 'gatehouse' && context.parentURL?.startsWith(known.folder)
  const found = await next(ours ? known.gatehouse : specifier, context)
  return found.url.startsWith(known.folder) && found.url.endsWith('.js') ? { ...found, format: 'module' } : found
}
`

/**
 * Lets files of `folder` write `import ... from 'gatehouse'` wherever the folder lies, and makes it mean this very program: a second
 * copy would have another ToolError and another `sql`, which ours would not know. Its .js files are ES modules without a package.json
 * that says so. Once per folder; Node has no way back.
 */
export function resolveGatehouse(folder: string): void {
  const gatehouse = new URL(`../index${extname(import.meta.url)}`, import.meta.url).href
  register(`data:text/javascript,${encodeURIComponent(HOOK)}`, {
    data: { folder: `${pathToFileURL(folder).href}/`, gatehouse },
  })
}
