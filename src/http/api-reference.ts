import { html, type Html, type HtmlValue } from '#base/html.ts'
import { document, type Document } from '#base/page.ts'
import type { OpenApi, OpenApiOperation } from './api-openapi.ts'
import { PROBLEMS } from './api-problem.ts'
import type { JsonSchema } from './api-schemas.ts'
import { isObject } from './message.ts'

/** The document of the API as a page to read: made on the server from the very same, without any script. */
export function apiReference(publicUrl: string, api: OpenApi): Document {
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  const groups = [...new Set(operations.map(({ operation }) => operation.tags[0] ?? ''))]
  const body = html`<h1>Admin API</h1>
    <p class="lead">
      Everything an admin can do, for programs: <code>${publicUrl}/api/v1</code> in your home tenant,
      <code>${publicUrl}/t/{slug}/api/v1</code> in another. <a href="/openapi.json">openapi.json</a> says the same to
      machines (OpenAPI 3.1).
    </p>
    <div class="snippet">
      <pre tabindex="0"><code>curl -s ${publicUrl}/api/v1/whoami -H "Authorization: Bearer $TOKEN"</code></pre>
    </div>
    <p>
      The token is an access token as for MCP, or an <a href="#create_api_key">API key</a>; cookies count for nothing.
      Times are RFC 3339 in UTC. A list answers <code>items</code> and <code>next_cursor</code>, which is the
      <code>cursor</code> of the next page; <code>limit</code> is 1 to 100. New members may be added to answers at any
      time.
    </p>
    <p>
      <strong>Changes.</strong> Send the <code>ETag</code> of what you read as <code>If-Match</code>, and you are told
      (412) when somebody changed it meanwhile. Send an <code>Idempotency-Key</code> with what makes something, and you
      may ask again without making it twice: for 24 hours the answer is the same, but for keys and links, which are
      shown once and are <code>null</code> then.
    </p>
    <nav aria-label="Contents">
      <ul class="chips">
        ${groups.map((group) => html`<li><a href="#${anchor(group)}">${group}</a></li>`)}
        <li><a href="#problems">Problems</a></li>
        <li><a href="#schemas">Schemas</a></li>
      </ul>
    </nav>
    ${groups.map(
      (group) =>
        html`<h2 id="${anchor(group)}">${group}</h2>
          ${operations.filter(({ operation }) => operation.tags[0] === group).map(entry)}`,
    )}
    <h2 id="problems">Problems</h2>
    <p>
      What goes wrong is told as <code>application/problem+json</code> (RFC 9457): look at <code>code</code>, show
      <code>detail</code>. Bad input has <code>errors</code>, each with a <code>pointer</code> into the body or a
      <code>parameter</code> of the query.
    </p>
    <div class="scroll" tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col">Code</th>
            <th scope="col">Status</th>
            <th scope="col">Meaning</th>
          </tr>
        </thead>
        <tbody>
          ${Object.entries(PROBLEMS).map(
            ([code, { status, title }]) =>
              html`<tr id="problem-${code}">
                <td><code>${code}</code></td>
                <td>${status}</td>
                <td>${title}.</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <h2 id="schemas">Schemas</h2>
    ${Object.entries(schemasOf(api)).map(
      ([name, schema]) =>
        html`<h3 id="schema-${name}">${name}</h3>
          ${fields(schema, [])}`,
    )}`
  return document({ title: 'Admin API', body, width: 'wide' })
}

const anchor = (group: string): string => group.toLowerCase().replaceAll(/[^a-z]+/g, '-')

function entry({ path, method, operation }: { path: string; method: string; operation: OpenApiOperation }): Html {
  const scopes = operation.security[0]?.bearer ?? []
  const parameters = operation.parameters.filter((each) => each['name'] !== undefined)
  const input = bodySchema(operation.requestBody)
  const answers = Object.entries(operation.responses)
  const good = answers.filter(([, answer]) => answer['$ref'] === undefined)
  const bad = answers.filter(([, answer]) => answer['$ref'] !== undefined)
  return html`<details class="item" id="${operation.operationId}">
    <summary>
      <span><strong>${operation.summary}</strong><br /><code>${method} ${path}</code></span>
    </summary>
    <section>
      <p>${operation.description}</p>
      <p class="small">
        ${
          scopes.length === 0
            ? 'No scope is needed at the door; what you may do with it is judged by who you are.'
            : html`Needs ${scopes.map((scope) => html`<code>${scope}</code> `)}`
        }
      </p>
      ${
        parameters.length === 0
          ? null
          : fieldTable(
              'Parameters',
              parameters.map((each) => ({
                name: String(each['name']),
                note: String(each['in']),
                required: each['required'] === true,
                schema: { description: each['description'], ...(isObject(each['schema']) ? each['schema'] : {}) },
              })),
            )
      }
      ${
        input === null
          ? null
          : html`<h3>Body</h3>
              ${fields(input, requiredOf(input))}`
      }
      <h3>Answers</h3>
      <p>
        ${good.map(([status, answer], at) => html`${at === 0 ? null : '; '}${status}: ${answerText(answer)}`)}. What can
        go wrong: <a href="#problems">${bad.map(([status]) => status).join(', ')}</a>.
      </p>
    </section>
  </details>`
}

function answerText(answer: JsonSchema): HtmlValue {
  const { content } = answer
  if (!isObject(content)) return 'without a body'
  return Object.entries(content).map(([type, { schema }]: [string, any]) =>
    type === 'application/json' ? typeText(schema) : html`<code>${type}</code> `,
  )
}

const bodySchema = (body: JsonSchema | undefined): JsonSchema | null => {
  const content = body?.['content']
  const json = isObject(content) ? content['application/json'] : undefined
  return isObject(json) && isObject(json['schema']) ? json['schema'] : null
}

interface Field {
  readonly name: string
  readonly note: string
  readonly required: boolean
  readonly schema: JsonSchema
}

const fields = (schema: JsonSchema, required: readonly string[]): Html =>
  fieldTable(
    null,
    Object.entries(isObject(schema['properties']) ? schema['properties'] : {}).map(([name, member]) => ({
      name,
      note: '',
      required: required.includes(name),
      schema: isObject(member) ? member : {},
    })),
  )

const fieldTable = (title: string | null, rows: readonly Field[]): Html =>
  html`${title === null ? null : html`<h3>${title}</h3>`}
    <dl class="facts">
      ${rows.map(
        ({ name, note, required, schema }) =>
          html`<dt><code>${name}</code></dt>
            <dd>
              <span class="small"
                >${typeText(schema)}${limitText(schema)}${note === '' ? null : `, ${note}`}${
                  required ? html`, <strong>required</strong>` : null
                }</span
              ><br />${wordOf(schema['description'])}
            </dd>`,
      )}
    </dl>`

/** A type in a few words, with a link to what it is made of. */
function typeText(schema: unknown): HtmlValue {
  if (!isObject(schema)) return 'anything'
  const { $ref: link, anyOf: choice, type, items, properties } = schema
  if (typeof link === 'string') {
    const name = link.split('/').at(-1) ?? ''
    return html`<a href="#schema-${name}">${name}</a>`
  }
  if (Array.isArray(choice)) return choice.map((one, at) => html`${at === 0 ? null : ' or '}${typeText(one)}`)
  if (Array.isArray(schema['enum']))
    return schema['enum'].map((one, at) => html`${at === 0 ? null : ', '}<code>${String(one)}</code>`)
  if (type === 'array') return html`list of ${typeText(items)}`
  if (type === 'object' && isObject(properties))
    return html`${Object.entries(properties).map(
      ([name, member], at) => html`${at === 0 ? null : ', '}<code>${name}</code>: ${typeText(member)}`,
    )}`
  if (Array.isArray(type)) return type.map(String).join(' or ')
  return schema['format'] === 'date-time' ? 'time' : (wordOf(type) ?? 'anything')
}

function limitText({ minimum, maximum, default: preset }: JsonSchema): HtmlValue {
  const from =
    minimum === undefined
      ? null
      : `, ${wordOf(minimum)}${maximum === undefined ? ' or more' : ` to ${wordOf(maximum)}`}`
  return [from, preset === undefined ? null : html`, default <code>${JSON.stringify(preset)}</code>`]
}

const wordOf = (value: unknown): string | null =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : null

const requiredOf = ({ required }: JsonSchema): readonly string[] =>
  Array.isArray(required) ? required.map(String) : []

function schemasOf(api: OpenApi): Readonly<Record<string, JsonSchema>> {
  const { components } = api
  const schemas = isObject(components) && isObject(components['schemas']) ? components['schemas'] : {}
  return Object.fromEntries(Object.entries(schemas).flatMap(([name, one]) => (isObject(one) ? [[name, one]] : [])))
}
