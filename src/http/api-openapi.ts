import { version } from '#base/package.ts'
import { wireSchema } from '#toolkit/schema.ts'
import { PROBLEM_TYPE, PROBLEMS } from './api-problem.ts'
import { API_ROUTES, OPERATOR_ROUTES, placeholders, type ApiRoute } from './api-routes.ts'
import { createComponents, type Components, type JsonSchema } from './api-schemas.ts'
import { isObject } from './message.ts'

/** OpenAPI 3.1, as far as it is looked at here. */
export interface OpenApi {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>
  readonly [member: string]: unknown
}

/** One method at one path. */
export interface OpenApiOperation {
  readonly operationId: string
  readonly summary: string
  readonly description: string
  readonly tags: readonly string[]
  readonly security: readonly { readonly bearer: readonly string[] }[]
  readonly parameters: readonly JsonSchema[]
  readonly requestBody?: JsonSchema
  readonly responses: Readonly<Record<string, JsonSchema>>
  readonly servers?: readonly JsonSchema[]
}

const DESCRIPTION = `What admins do in the console, for programs. A request needs the same access token as the MCP endpoint, or an API key, as
\`Authorization: Bearer\`; it acts in the home tenant of whoever it belongs to, and beneath /t/{slug} in that tenant. Times are RFC 3339 in
UTC. Lists answer \`items\` and \`next_cursor\`. Errors are problem details (RFC 9457), whose \`code\` never changes.
New members may be added to answers at any time.`

/** The document of the API, from the same tables and schemas that serve it. */
export function openApi(publicUrl: string): OpenApi {
  const components = createComponents()
  const paths: Record<string, Record<string, OpenApiOperation>> = {}
  const here = [{ url: `${publicUrl}/api/v1` }]
  const add = (route: ApiRoute<never>, more: Partial<OpenApiOperation> = {}): void => {
    const methods = (paths[route.path] ??= {})
    methods[route.method.toLowerCase()] = { ...describe(route, components), ...more }
  }
  for (const route of API_ROUTES) add(route)
  for (const route of OPERATOR_ROUTES) add(route, { servers: here })
  const groups = [...new Set([...API_ROUTES, ...OPERATOR_ROUTES].map(({ group }) => group))]
  return {
    openapi: '3.1.0',
    info: { title: 'Gatehouse admin API', version, description: DESCRIPTION },
    servers: [
      ...here,
      {
        url: `${publicUrl}/t/{slug}/api/v1`,
        description: 'In the tenant of this slug.',
        variables: { slug: { default: 'acme', description: 'Slug of a tenant that you belong to.' } },
      },
    ],
    tags: groups.map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description:
            'An access token as for MCP, or an API key. The scopes that an operation needs are named with it.',
        },
      },
      parameters: PARAMETERS,
      headers: HEADERS,
      responses: Object.fromEntries(ANSWERS.map((status) => [`Problem${status}`, problemAnswer(status)])),
      schemas: { ...components.schemas(), Problem: PROBLEM },
    },
  }
}

function describe(route: ApiRoute<never>, components: Components): OpenApiOperation {
  const { operation, method, path, tagged, idempotent, group } = route
  const { properties, required } = membersOf(components.take(wireSchema(operation.input, 'input')))
  const inPath = placeholders(path)
  const outside = Object.entries(properties).filter(([name]) => !inPath.includes(name))
  const takesBody = (method === 'POST' || method === 'PATCH') && outside.length > 0
  const hasQuery = method === 'GET' || method === 'DELETE'
  const parameter = (name: string, place: 'path' | 'query', schema: JsonSchema): JsonSchema => {
    const { description, ...rest } = schema
    return {
      name,
      in: place,
      required: place === 'path' || required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    }
  }
  return {
    operationId: operation.id,
    summary: operation.title,
    description: operation.description,
    tags: [group],
    security: [{ bearer: operation.scopes }],
    parameters: [
      ...inPath.map((name) => parameter(name, 'path', properties[name] ?? {})),
      ...(hasQuery ? outside.map(([name, schema]) => parameter(name, 'query', schema)) : []),
      ...(tagged ? [ref('parameters', method === 'GET' ? 'IfNoneMatch' : 'IfMatch')] : []),
      ...(idempotent ? [ref('parameters', 'IdempotencyKey')] : []),
    ],
    ...(takesBody ? { requestBody: bodyOf(outside, required) } : {}),
    responses: { ...goodAnswers(route, components), ...problemsOf(route) },
  }
}

function bodyOf(members: readonly (readonly [string, JsonSchema])[], all: readonly string[]): JsonSchema {
  const required = all.filter((name) => members.some(([member]) => member === name))
  const schema = {
    type: 'object',
    properties: Object.fromEntries(members),
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  }
  return { required: required.length > 0, content: { 'application/json': { schema } } }
}

function goodAnswers(
  { operation, status, tagged, idempotent, made, method, files }: ApiRoute<never>,
  components: Components,
): Record<string, JsonSchema> {
  const headers = {
    ...(tagged && status !== 204 ? { ETag: ref('headers', 'ETag') } : {}),
    ...(made === null ? {} : { Location: ref('headers', 'Location') }),
    ...(idempotent ? { 'Idempotency-Replayed': ref('headers', 'IdempotencyReplayed') } : {}),
    RateLimit: ref('headers', 'RateLimit'),
    'RateLimit-Policy': ref('headers', 'RateLimitPolicy'),
  }
  if (status === 204) return { '204': { description: 'Done.', headers } }
  const content =
    files.length > 0
      ? Object.fromEntries(files.map((type) => [type, { schema: { type: 'string' } }]))
      : { 'application/json': { schema: components.take(wireSchema(operation.output, 'output'), true) } }
  return {
    [String(status)]: { description: status === 201 ? 'Made.' : 'Done.', headers, content },
    ...(tagged && method === 'GET' ? { '304': { description: 'It is what you have.', headers } } : {}),
  }
}

/** Every status that this route can answer besides the good ones. */
function problemsOf({ method, path, tagged, idempotent }: ApiRoute<never>): Record<string, JsonSchema> {
  const changes = method !== 'GET'
  const statuses = [
    400,
    401,
    403,
    ...(placeholders(path).length > 0 ? [404] : []),
    ...(changes || idempotent ? [409] : []),
    ...(changes && tagged ? [412] : []),
    ...(method === 'POST' || method === 'PATCH' ? [413, 415] : []),
    422,
    429,
    500,
    503,
  ]
  return Object.fromEntries(statuses.map((code) => [String(code), ref('responses', `Problem${code}`)]))
}

const ref = (kind: string, name: string): JsonSchema => ({ $ref: `#/components/${kind}/${name}` })

function membersOf(schema: JsonSchema): {
  readonly properties: Readonly<Record<string, JsonSchema>>
  readonly required: readonly string[]
} {
  const { properties, required } = schema
  const entries = isObject(properties) ? Object.entries(properties) : []
  return {
    properties: Object.fromEntries(entries.map(([name, member]) => [name, isObject(member) ? member : {}])),
    required: Array.isArray(required) ? required.map(String) : [],
  }
}

const ANSWERS: readonly number[] = [...new Set(Object.values(PROBLEMS).map(({ status }) => status))].sort(
  (a, b) => a - b,
)

const problemAnswer = (status: number): JsonSchema => ({
  description: Object.entries(PROBLEMS)
    .filter(([, row]) => row.status === status)
    .map(([code, { title }]) => `\`${code}\`: ${title}.`)
    .join(' '),
  ...(status === 401 ? { headers: { 'WWW-Authenticate': ref('headers', 'WWWAuthenticate') } } : {}),
  ...(status === 429 || status === 503 ? { headers: { 'Retry-After': ref('headers', 'RetryAfter') } } : {}),
  content: { [PROBLEM_TYPE]: { schema: ref('schemas', 'Problem') } },
})

const text = (description: string): JsonSchema => ({ description, schema: { type: 'string' } })

const HEADERS: JsonSchema = {
  ETag: text('Strong entity tag of the answer; send it as If-Match with a change.'),
  Location: text('Where to read what was made.'),
  IdempotencyReplayed: text(
    '`true`: this is the answer of an earlier request with the same Idempotency-Key, without its secrets.',
  ),
  RateLimit: text('What is left of the limit that is nearest to being reached.'),
  RateLimitPolicy: text('The limit and its window in seconds.'),
  RetryAfter: text('Seconds to wait.'),
  WWWAuthenticate: text('Where to get a token (RFC 9728).'),
}

const header = (name: string, description: string): JsonSchema => ({
  name,
  in: 'header',
  required: false,
  description,
  schema: { type: 'string' },
})

const PARAMETERS: JsonSchema = {
  IfMatch: header('If-Match', 'ETag of what you mean to change: 412 when somebody changed it meanwhile.'),
  IfNoneMatch: header('If-None-Match', 'ETag of what you have: 304 when it is still that.'),
  IdempotencyKey: header(
    'Idempotency-Key',
    'Of your choice, a UUID for example. The same request with the same key within 24 hours is done once and answered alike, but for ' +
      'what is shown only once.',
  ),
}

const PROBLEM: JsonSchema = {
  type: 'object',
  description: 'Problem details (RFC 9457).',
  properties: {
    type: { type: 'string', format: 'uri', description: 'Where the reference explains it.' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What happened this time, for people.' },
    code: { type: 'string', enum: Object.keys(PROBLEMS), description: 'For programs.' },
    request_id: { type: 'string', description: 'What the operator finds it by.' },
    errors: {
      type: 'array',
      description: 'What is wrong with the input, and where.',
      items: {
        type: 'object',
        properties: {
          pointer: { type: 'string', description: 'Into the body (RFC 6901), as a fragment.' },
          parameter: { type: 'string', description: 'Of the query.' },
          detail: { type: 'string' },
        },
        required: ['detail'],
      },
    },
  },
  required: ['type', 'title', 'status', 'detail', 'code', 'request_id'],
}
