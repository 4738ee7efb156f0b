import { createRequire, register } from 'node:module'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Runs in Node's loader thread, hence as text. */
const HOOK = `
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
let known
let strip
const within = (url) => url !== undefined && url.startsWith(known.folder)
const versionIn = (url) => within(url) ? new URL(url).searchParams.get('v') : null
export const initialize = (data) => { known = data }
export const resolve = async (specifier, context, next) => {
  const ours = within(context.parentURL) ? known.packages[specifier] : undefined
  const found = await next(ours ?? specifier, context)
  if (!within(found.url)) return found
  const url = new URL(found.url)
  const version = versionIn(context.parentURL)
  if (version !== null && !url.searchParams.has('v')) url.searchParams.set('v', version)
  return /\\.(?:js|ts)$/.test(url.pathname) ? { ...found, url: url.href, format: 'module', shortCircuit: true } : { ...found, url: url.href }
}
export const load = async (url, context, next) => {
  const at = within(url) ? new URL(url) : null
  if (at === null || !at.pathname.endsWith('.ts')) return await next(url, context)
  const file = fileURLToPath(at)
  strip ??= (await import(known.stripper)).default
  try {
    const { code } = strip.transformSync(await readFile(file, 'utf8'), { mode: 'strip-only', filename: file })
    return { format: 'module', source: code, shortCircuit: true }
  } catch (error) {
    if (error instanceof Error) throw error
    throw new SyntaxError(file + ':' + error.startLine + ':' + (error.startColumn + 1) + ': ' + error.message)
  }
}
`

/**
 * Lets files of `folder` write `import ... from 'gatehouse'` wherever the folder lies, and makes it mean this very program: a second
 * copy would have another ToolError and another `sql`, which ours would not know. Its .js files are ES modules without a package.json
 * that says so. Its .ts files run with their types blanked out, on every Node alike and each character in its place, so that what Node
 * says of line and column is true of the file; types are not checked, and what is more than types (enum, namespace, decorators) is refused.
 * A file asked for with `?v=` brings that along to all it imports from the folder: so a changed file is read anew.
 * Once per folder; Node has no way back.
 */
export function resolveGatehouse(folder: string): void {
  const { hook, data } = hookOf(folder)
  register(hook, { data })
}

/** For a Node that is to know the folder from its start: flags before the script. @param folder with no link in its path */
export function importFlag(folder: string): readonly string[] {
  const { hook, data } = hookOf(folder)
  const script = `import { register } from 'node:module'; register(${JSON.stringify(hook)}, { data: ${JSON.stringify(data)} })`
  return ['--import', `data:text/javascript,${encodeURIComponent(script)}`]
}

function hookOf(folder: string) {
  const own = (name: string): string => new URL(`../${name}${extname(import.meta.url)}`, import.meta.url).href
  return {
    hook: `data:text/javascript,${encodeURIComponent(HOOK)}`,
    data: {
      folder: `${pathToFileURL(folder).href}/`,
      packages: { gatehouse: own('index'), 'gatehouse/testing': own('testing') },
      stripper: pathToFileURL(createRequire(import.meta.url).resolve('@swc/wasm-typescript')).href,
    },
  }
}
