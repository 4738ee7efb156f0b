import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire, register } from 'node:module'
import { basename, dirname, extname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

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

/**
 * Does Node, left to itself, read these files as `resolveGatehouse` would make it: all JavaScript, all ES modules, and `gatehouse` this very program?
 * That is so in a package of `"type": "module"` which has this program among its dependencies, and spares the loader thread: 14 MB, and up to 0.4 s of the start.
 * @param files all in the folder, helpers too; relative to it
 */
export function resolvesByItself(folder: string, files: Iterable<string>): boolean {
  for (const file of files) if (extname(file) === '.ts' || basename(file) === 'package.json') return false
  try {
    const found = createRequire(join(folder, 'tool.js')).resolve('gatehouse')
    return realpathSync(found) === realpathSync(fileURLToPath(own('index'))) && packageType(folder) === 'module'
  } catch {
    return false
  }
}

/** What the nearest package.json says files without a more telling name are. */
function packageType(folder: string): unknown {
  const file = join(folder, 'package.json')
  if (existsSync(file)) {
    const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return typeof manifest === 'object' && manifest !== null && 'type' in manifest ? manifest.type : undefined
  }
  return dirname(folder) === folder ? undefined : packageType(dirname(folder))
}

/** For a Node that is to know the folder from its start: flags before the script. @param folder with no link in its path */
export function importFlag(folder: string): readonly string[] {
  const { hook, data } = hookOf(folder)
  const script = `import { register } from 'node:module'; register(${JSON.stringify(hook)}, { data: ${JSON.stringify(data)} })`
  return ['--import', `data:text/javascript,${encodeURIComponent(script)}`]
}

const own = (name: string): string => new URL(`../${name}${extname(import.meta.url)}`, import.meta.url).href

function hookOf(folder: string) {
  return {
    hook: `data:text/javascript,${encodeURIComponent(HOOK)}`,
    data: {
      folder: `${pathToFileURL(folder).href}/`,
      packages: { gatehouse: own('index'), 'gatehouse/testing': own('testing') },
      stripper: pathToFileURL(createRequire(import.meta.url).resolve('@swc/wasm-typescript')).href,
    },
  }
}
