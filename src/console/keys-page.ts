import { html, type Html } from '#base/html.ts'
import type { KeyRecord } from '#tenancy/keys.ts'
import type { ConsoleDeps } from './deps.ts'
import { formToken } from './frame.ts'
import { keyFields, readKeyForm } from './key-form.ts'
import { keyPages } from './key-page.ts'
import { isOver, keyEnd, keyPrefix, keyStatus, lastUse, makerOf, newKeyBody } from './key-parts.ts'
import { doneNote, empty, head, pages, problemNote, when } from './parts.ts'
import type { Place, TenantForm, TenantPage, TenantSection } from './tenant-pages.ts'

const DONE = {
  revoked: 'The key is revoked. It stops working everywhere within a second.',
} as const
const PER_PAGE = 50

/** API keys: everybody's own, and for admins all of the organisation. */
export function keysSection(deps: Pick<ConsoleDeps, 'publicUrl' | 'registry'>): TenantSection {
  const { registry, publicUrl } = deps

  const list: TenantPage = {
    path: '/keys',
    title: 'API keys',
    scope: null,
    async show(place, { query, done }) {
      const { items } = await registry.keys.list(place.tenant, place.actor)
      const over = query.text('show') === 'over'
      const shown = items.filter((key) => isOver(key) === over).sort((a, b) => (a.created_at < b.created_at ? 1 : -1))
      const make = html`<a class="button primary" href="${place.path('/keys/new')}">Create a key</a>`
      const ended = items.filter(isOver).length
      return html`${head(over ? 'Keys that are over' : 'API keys', lead(place), over || items.length === 0 ? null : make)}
      ${doneNote(DONE, done)}
      ${shown.length === 0 ? nothing(place, over, make) : table(place, shown, over, pageOf(query.text('page'), shown.length))}
      ${other(place, over, ended)}`
    },
  }

  const create: TenantPage = {
    path: '/keys/new',
    current: '/keys',
    title: 'Create an API key',
    scope: null,
    fresh: true,
    async show(place, { values, problem }) {
      return html`<p class="crumb"><a href="${place.path('/keys')}">API keys</a></p>
        ${head('Create an API key', 'For scripts, servers and clients without sign-in. It can do no more than you, and stops when you leave.')}
        ${problemNote(problem)}
        <form class="card" method="post" action="${place.path('/keys/new')}">
          ${formToken(place.csrf)} ${keyFields(place, values, problem, null)}
          <div class="actions">
            <button class="primary">Create the key</button>
            <a class="button" href="${place.path('/keys')}">Cancel</a>
          </div>
        </form>`
    },
  }

  const creating: TenantForm = {
    path: '/keys/new',
    page: create,
    scope: null,
    fresh: true,
    async run(place, fields) {
      const made = await registry.keys.create(place.tenant, place.actor, readKeyForm(place, fields))
      return { title: 'Store this key now', body: newKeyBody(made, place, publicUrl, null) }
    },
  }

  const one = keyPages(deps)
  return { pages: [list, create, ...one.pages], forms: [creating, ...one.forms] }
}

const lead = (place: Place): string =>
  place.may('tenant:admin') ? "Everybody's keys in this organisation." : 'Your own keys in this organisation.'

const nothing = (place: Place, over: boolean, make: Html): Html =>
  over
    ? empty('No key is over', 'Revoked keys, and those that reached their end, are listed here.')
    : empty(
        'No API keys',
        'A key lets a script, a server or a client without sign-in call tools here. It can do no more than you can.',
        make,
      )

const other = ({ path }: Place, over: boolean, ended: number): Html | null => {
  if (over) return html`<p><a href="${path('/keys')}">Keys that work</a></p>`
  return ended === 0 ? null : html`<p><a href="${path('/keys?show=over')}">Keys that are over (${ended})</a></p>`
}

/** The page that was asked for, as far as there are so many. */
function pageOf(asked: string, rows: number): number {
  const last = Math.max(1, Math.ceil(rows / PER_PAGE))
  return /^\d{1,4}$/.test(asked) ? Math.min(Math.max(Number(asked), 1), last) : 1
}

function table(place: Place, keys: readonly KeyRecord[], over: boolean, page: number): Html {
  const rows = keys.slice((page - 1) * PER_PAGE, page * PER_PAGE)
  const to = (number: number): string => place.path(`/keys?page=${number}${over ? '&show=over' : ''}`)
  return html`<section class="card">
    <div class="scroll" tabindex="0" role="region" aria-label="API keys">
      <table class="full stack">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Status</th>
            <th scope="col">May</th>
            ${place.may('tenant:admin') && html`<th scope="col">Made by</th>`}
            <th scope="col">Created</th>
            <th scope="col">Last used</th>
            <th scope="col">Ends</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map((key) => row(place, key))}
        </tbody>
      </table>
    </div>
    ${pages(page > 1 ? to(1) : null, page * PER_PAGE < keys.length ? to(page + 1) : null)}
  </section>`
}

const row = (place: Place, key: KeyRecord): Html =>
  html`<tr>
    <th scope="row">
      <a href="${place.path(`/keys/${key.id}`)}">${key.name}</a>
      <div class="small">${keyPrefix(key)}</div>
    </th>
    <td data-label="Status"><span>${keyStatus(key)}</span></td>
    <td data-label="May" class="small"><span>${mayWords(key)}</span></td>
    ${place.may('tenant:admin') && html`<td data-label="Made by" class="small"><span>${makerOf(key)}</span></td>`}
    <td data-label="Created"><span>${when(key.created_at, place.now)}</span></td>
    <td data-label="Last used"><span>${lastUse(key, place.now)}</span></td>
    <td data-label="Ends"><span>${keyEnd(key, place.now)}</span></td>
  </tr>`

/** The scopes in words, so that many take one line. */
function mayWords({ scopes }: Pick<KeyRecord, 'scopes'>): string {
  const ending = (end: string): readonly string[] =>
    scopes.filter((scope) => scope.endsWith(end)).map((scope) => scope.slice(0, -end.length))
  const changes = ending(':write')
  const reads = ending(':read').filter((thing) => !changes.includes(thing))
  const others = scopes.filter((scope) => !/:(?:read|write)$/.test(scope))
  return [
    changes.length > 0 ? `changes ${changes.join(', ')}` : '',
    reads.length > 0 ? `reads ${reads.join(', ')}` : '',
    ...others.map((scope) => (scope === '*' ? 'all data' : scope)),
  ]
    .filter((words) => words !== '')
    .join('; ')
}
