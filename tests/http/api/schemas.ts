import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { OpenApi, OpenApiOperation } from '#http/api-openapi.ts'
import type { Answer } from './support.ts'

/** Every object of an answer may hold what the document names and nothing else: more than the document promises of itself. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed)
  if (typeof value !== 'object' || value === null) return value
  const inner = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, closed(member)]))
  const isObjectSchema = inner['type'] === 'object' && 'properties' in inner && !('additionalProperties' in inner)
  return isObjectSchema ? { ...inner, additionalProperties: false } : inner
}

/** Problems of an answer against what the document says of this operation and status; []: it is as promised. */
export type Judge = (path: string, method: string, answer: Answer) => readonly string[]

export function createJudge(document: OpenApi): Judge {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true })
  formats.default(ajv)
  ajv.addSchema({ $id: 'api', ...(closed(document) as object) })

  return (path, method, { status, json, headers }) => {
    const operation: OpenApiOperation | undefined = document.paths[path]?.[method.toLowerCase()]
    if (operation === undefined) return [`${method} ${path} is not in the document`]
    const said = operation.responses[String(status)] as { $ref?: string; content?: Record<string, unknown> } | undefined
    if (said === undefined) return [`${method} ${path} does not say that it answers ${status}`]
    const pointer = said.$ref ?? `#/paths/${escaped(path)}/${method.toLowerCase()}/responses/${status}`
    const type = headers.get('content-type')?.replace(/;.*$/, '') ?? null
    if (json === null) return said.content === undefined ? [] : ['there is no body']
    const validate = ajv.getSchema(`api${pointer}/content/${escaped(type ?? '')}/schema`)
    if (validate === undefined) return [`${method} ${path} does not say that ${status} is ${type}`]
    return validate(json) === true ? [] : (validate.errors ?? []).map((each) => `${each.instancePath} ${each.message}`)
  }
}

const escaped = (part: string): string => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))
