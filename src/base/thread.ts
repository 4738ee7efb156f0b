import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'

/**
 * Starts a module of ours as a thread, compiled or from source. From source it is TypeScript, and a thread does not inherit its parent's
 * loader: then tsx, a development dependency, is loaded first. The module must import nothing of ours.
 * @param module without its ending; `new URL('./worker', import.meta.url)`.
 * @param from the `import.meta.url` of who asks.
 */
export function startThread(module: URL, from: string, workerData: unknown): Worker {
  if (!from.endsWith('.ts')) return new Worker(new URL(`${module.href}.js`), { workerData })
  const tsx = dirname(createRequire(import.meta.url).resolve('tsx/package.json'))
  const loader = pathToFileURL(join(tsx, 'dist', 'esm', 'api', 'index.mjs')).href
  const code = `import(${JSON.stringify(loader)}).then((tsx) => { tsx.register(); return import(${JSON.stringify(`${module.href}.ts`)}) })`
  return new Worker(code, { eval: true, workerData })
}
