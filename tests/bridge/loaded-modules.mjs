// `node --import ./loaded-modules.mjs` writes the address of every module that is loaded into the file that LOADED names.
import { register } from 'node:module'

const hook = `import { appendFileSync } from 'node:fs'
export const resolve = async (specifier, context, next) => {
  const found = await next(specifier, context)
  appendFileSync(${JSON.stringify(process.env.LOADED)}, found.url + '\\n')
  return found
}`
register(`data:text/javascript,${encodeURIComponent(hook)}`)
