import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { pathOfUnstorable } from '#toolkit/arguments.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import { ApiError, type InputError } from './api-problem.ts'
import { placeholders, type ApiRoute } from './api-routes.ts'
import { isObject } from './message.ts'
import { queryOf } from './parameters.ts'

/** Problems named in one answer. */
const MOST = 20

/** Reads a request's path, query or body as the input of the route's operation. Made once per route. */
export type ReadInput = (request: FastifyRequest) => Promise<Record<string, unknown>>

/**
 * What stands in the path comes from the path alone; the rest from the query (GET, DELETE) or from the JSON body, never from both.
 * @throws ApiError `invalid`: each field that does not fit, by pointer or parameter. RegistryError `unknown`: a path that can name nothing.
 */
export function createInputReader({ method, path, operation }: ApiRoute<unknown>): ReadInput {
  const inPath = placeholders(path)
  const fromQuery = method === 'GET' || method === 'DELETE'
  // Not at the start, where there are a hundred of them.
  let kinds: ReadonlyMap<string, Kind> | null = null

  return async (request) => {
    const query = queryOf(request.query)
    const body = request.body ?? {}
    if (!isObject(body)) throw invalid([{ pointer: '#', detail: 'must be an object' }])
    const outside = fromQuery ? Object.keys(body) : Object.keys(query)
    if (outside.length > 0) throw invalid(outside.map((name) => located(!fromQuery, [name], 'is not taken here')))
    const given = fromQuery ? fromText(query, (kinds ??= kindsOf(operation.input))) : body
    const twice = inPath.filter((name) => Object.hasOwn(given, name))
    if (twice.length > 0) throw invalid(twice.map((name) => located(fromQuery, [name], 'stands in the path already')))
    const params = queryOf(request.params)
    const input = { ...given, ...Object.fromEntries(inPath.map((name) => [name, params[name]])) }
    const unstorable = pathOfUnstorable(input)
    const parsed = await operation.input.safeParseAsync(input)
    const errors: InputError[] = [
      ...(unstorable === null
        ? []
        : [located(fromQuery, unstorable, 'holds the character NUL or half of a surrogate pair')]),
      ...(parsed.success ? [] : parsed.error.issues.flatMap((issue) => ofIssue(fromQuery, issue))),
    ]
    const wrongPath =
      (unstorable !== null && inPath.includes(String(unstorable[0]))) ||
      parsed.error?.issues.some((issue) => inPath.includes(String(issue.path[0]))) === true
    if (wrongPath) throw new RegistryError('unknown', 'there is nothing of this name')
    if (errors.length > 0 || !parsed.success) throw invalid(errors)
    return parsed.data
  }
}

const invalid = (errors: readonly InputError[]): ApiError =>
  new ApiError('invalid', 'Look at `errors`: each names the field and what is wrong with it.', {
    errors: errors.slice(0, MOST),
  })

const ofIssue = (fromQuery: boolean, issue: z.core.$ZodIssue): readonly InputError[] =>
  issue.code === 'unrecognized_keys'
    ? issue.keys.map((key) => located(fromQuery, [...issue.path, key], 'is not known here'))
    : [located(fromQuery, issue.path, issue.message)]

function located(inQuery: boolean, path: readonly PropertyKey[], detail: string): InputError {
  const parts = path.map((part) => String(part).slice(0, 100))
  if (inQuery) return { parameter: parts[0] ?? '', detail }
  // RFC 6901 section 6: the pointer as a fragment.
  return {
    pointer: `#${parts.map((part) => `/${encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('')}`,
    detail,
  }
}

type Kind = 'integer' | 'boolean' | 'array' | 'text'

/** What each member of the input is, so that a query's texts can be read as that. */
function kindsOf(input: z.ZodObject): ReadonlyMap<string, Kind> {
  const { properties = {} } = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' })
  return new Map(
    Object.entries(properties).map(([name, schema]) => {
      const type = isObject(schema) ? schema['type'] : undefined
      return [name, type === 'integer' || type === 'boolean' || type === 'array' ? type : 'text'] as const
    }),
  )
}

const fromText = (
  query: Readonly<Record<string, unknown>>,
  kinds: ReadonlyMap<string, Kind>,
): Record<string, unknown> =>
  Object.fromEntries(Object.entries(query).map(([name, value]) => [name, read(value, kinds.get(name) ?? 'text')]))

/** What cannot be read stays text, and the schema says what it should be. */
function read(value: unknown, kind: Kind): unknown {
  if (kind === 'array') return Array.isArray(value) ? value : [value]
  if (typeof value !== 'string') return value
  if (kind === 'integer' && /^-?\d{1,15}$/.test(value)) return Number(value)
  if (kind === 'boolean' && (value === 'true' || value === 'false')) return value === 'true'
  return value
}
