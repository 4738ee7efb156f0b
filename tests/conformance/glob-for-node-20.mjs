// `node --import ./glob-for-node-20.mjs` gives `import { globSync } from 'fs'` to the suite, which was written for Node 22. Drop it with Node 20.
import { register } from 'node:module'

const shim = `data:text/javascript,${encodeURIComponent(`
export * from 'node:fs'
export { default } from 'node:fs'
export const globSync = () => { throw new Error('fs.globSync needs Node 22') }`)}`
const hook = `export const resolve = (specifier, context, next) =>
  specifier === 'fs' && context.parentURL?.includes('@modelcontextprotocol/conformance/')
    ? { url: ${JSON.stringify(shim)}, shortCircuit: true }
    : next(specifier, context)`
register(`data:text/javascript,${encodeURIComponent(hook)}`)
