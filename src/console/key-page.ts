import { html, type Html } from '#base/html.ts'
import type { KeyRecord } from '#tenancy/keys.ts'
import { userId } from '#identity/identity.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import { isAsRead } from '#tenancy/text.ts'
import { usageRange } from '#tenancy/usage-range.ts'
import type { UsageReport } from '#tenancy/usage.ts'
import type { ConsoleDeps } from './deps.ts'
import { fieldsOf } from './fields.ts'
import { formToken } from './frame.ts'
import { chosenExpiry, expirySelect, keyFields, readKeyForm } from './key-form.ts'
import { keyEnd, keyPrefix, keyStatus, lastUse, makerOf, newKeyBody } from './key-parts.ts'
import { doneNote, head, input, problemNote, select, when } from './parts.ts'
import type { Place, TenantForm, TenantPage, TenantSection, View } from './tenant-pages.ts'
import { count, usageChart } from './usage-chart.ts'

const DONE = {
  stored: 'The key works now.',
  changed: 'The key is changed, everywhere within a second.',
  adopted: 'The key is yours now: it works again, as far as you may.',
} as const

const OVERLAPS: readonly (readonly [string, string])[] = [
  ['0', 'Stop it now'],
  ['1', 'One hour more'],
  ['24', '24 hours more'],
  ['168', '7 days more'],
]
const HOUR = 3_600_000
const PATH = '/keys/:id'

/** One key: what it is, what was called with it, and everything that can be done to it. */
export function keyPages({ registry, publicUrl }: Pick<ConsoleDeps, 'registry' | 'publicUrl'>): TenantSection {
  const page: TenantPage = {
    path: PATH,
    current: '/keys',
    title: 'API key',
    scope: null,
    async show(place, view) {
      const { tenant, actor } = place
      const id = idOf(place)
      const key = await registry.keys.show(tenant, actor, id)
      const usage = await registry.keys.usage(tenant, actor, id, usageRange('30d', place.now))
      return html`<p class="crumb"><a href="${place.path('/keys')}">API keys</a></p>
        ${head(key.name, html`${keyPrefix(key)} ${keyStatus(key)}`)} ${doneNote(DONE, view.done)}
        ${problemNote(view.problem)} ${!key.creator_active && key.status === 'active' && stopped(place, key)}
        ${facts(place, key)} ${called(usage)} ${key.status === 'active' && changes(place, view, key)}`
    },
  }

  const form = (below: string, run: TenantForm['run']): TenantForm => ({
    path: `${PATH}${below}`,
    page,
    scope: null,
    fresh: true,
    run,
  })

  return {
    pages: [page],
    forms: [
      form('/change', async (place, fields) => {
        await registry.keys.update(place.tenant, place.actor, idOf(place), readKeyForm(place, fields))
        return `/keys/${idOf(place)}?done=changed`
      }),
      form('/rotate', async (place, fields) => {
        const choice = fields.text('overlap')
        if (!OVERLAPS.some(([value]) => value === choice))
          throw new RegistryError('invalid', 'choose how long the old key works on', 'overlap')
        const expires_at = chosenExpiry(fields.text('new_end'), place.now)
        const rotation = { overlap: Number(choice) * HOUR, ...(expires_at === undefined ? {} : { expires_at }) }
        const made = await registry.keys.rotate(place.tenant, place.actor, idOf(place), rotation)
        const old = await registry.keys.show(place.tenant, place.actor, idOf(place))
        return { title: 'Store this key now', body: newKeyBody(made, place, publicUrl, replaced(place, old)) }
      }),
      form('/revoke', async (place, fields) => {
        const { name } = await registry.keys.show(place.tenant, place.actor, idOf(place))
        if (!isAsRead(fields.text('confirm'), name))
          throw new RegistryError('invalid', `type the name of the key, ${name}, to revoke it`, 'confirm')
        await registry.keys.revoke(place.tenant, place.actor, idOf(place))
        return '/keys?done=revoked'
      }),
      form('/adopt', async (place) => {
        await registry.keys.adopt(place.tenant, place.actor, idOf(place))
        return `/keys/${idOf(place)}?done=adopted`
      }),
    ],
  }
}

const NOTHING = fieldsOf([])

const idOf = ({ params }: Place): string => params['id'] ?? ''

const stopped = (place: Place, key: KeyRecord): Html =>
  html`<div class="note bad">
    <p>
      <strong>Stopped.</strong> ${makerOf(key)}, who made this key, is no member any more, so it works for nobody. An
      owner can take it over: then it can do what they may, and no more than it could.
    </p>
    ${
      place.may('tenant:owner') &&
      html`<form method="post" action="${place.path(`/keys/${key.id}/adopt`)}">
        ${formToken(place.csrf)}<button>Take the key over</button>
      </form>`
    }
  </div>`

const facts = (place: Place, key: KeyRecord): Html =>
  html`<section class="card">
    <h2>What it is</h2>
    <dl class="facts">
      <dt>May</dt>
      <dd>
        <ul class="chips">
          ${key.scopes.map((scope) => html`<li>${scope === '*' ? 'all data' : scope}</li>`)}
        </ul>
      </dd>
      <dt>Made by</dt>
      <dd>${makerOf(key)}, ${when(key.created_at, place.now)}</dd>
      <dt>Last used</dt>
      <dd>${lastUse(key, place.now)}</dd>
      <dt>${key.status === 'revoked' ? 'Revoked' : 'Ends'}</dt>
      <dd>${key.status === 'revoked' ? when(key.revoked_at, place.now) : keyEnd(key, place.now)}</dd>
      <dt>Comes from</dt>
      <dd>${key.cidrs.length === 0 ? 'anywhere' : key.cidrs.map((cidr) => html`<code>${cidr}</code> `)}</dd>
      <dt>Limit of its own</dt>
      <dd>${key.requests_per_hour === null ? 'none' : `${count(key.requests_per_hour)} requests per hour`}</dd>
      ${
        key.rotated_to !== null &&
        html`<dt>Replaced by</dt>
          <dd><a href="${place.path(`/keys/${key.rotated_to}`)}">gh_key_${key.rotated_to}</a></dd>`
      }
    </dl>
  </section>`

const called = (usage: UsageReport): Html =>
  html`<section class="card">
    <h2>Calls in the last 30 days</h2>
    ${
      usage.totals.calls === 0
        ? html`<p class="soft">None. What the last 10 seconds brought may be missing.</p>`
        : usageChart(usage, 'key-usage')
    }
  </section>`

/** After a rotation: when the old one may go. */
const replaced = (place: Place, old: KeyRecord): Html =>
  html`<div class="note">
    <p>
      <strong>The old key</strong> ${keyPrefix(old)}
      ${old.status === 'active' ? html`ends ${when(old.expires_at, place.now)}` : 'works no more'}; it was last used
      ${when(old.last_used_at, place.now)}. <a href="${place.path(`/keys/${old.id}`)}">Look at it</a> to see whether
      something still uses it.
    </p>
  </div>`

function changes(place: Place, { values, problem }: View, key: KeyRecord): Html {
  const action = (below: string): string => place.path(`/keys/${key.id}${below}`)
  const of = (form: string): boolean => problem?.form === `${PATH}${form}`
  const token = formToken(place.csrf)
  const changing = values.text('name') === '' && !of('/change') ? NOTHING : values
  return html`<details class="card" ${(of('/change') || values.text('name') !== '') && html`open`}>
      <summary><h2>Change it</h2></summary>
      <form method="post" action="${action('/change')}">
        ${token} ${keyFields(place, changing, of('/change') ? problem : null, key)}
        <div class="actions"><button class="primary">Save</button></div>
      </form>
    </details>
    ${
      key.rotated_to === null &&
      html`<section class="card">
        <h2>Rotate</h2>
        <p>
          A new key with the same rights takes its place. The old one works on for a while, so that nothing stops.
          ${key.creator !== userId(place.session.identity) && 'The new one is yours then: it can do no more than you, and stops when you leave.'}
        </p>
        <form method="post" action="${action('/rotate')}">
          ${token}
          <div class="pair">
            ${select({ name: 'overlap', label: 'The old key', options: OVERLAPS, value: values.text('overlap') || '24' })}
            ${expirySelect('new_end', values.text('new_end') || 'keep', key, place.now)}
          </div>
          <div class="actions"><button>Rotate the key</button></div>
        </form>
      </section>`
    }
    <section class="card danger">
      <h2>Revoke</h2>
      <p>It stops working everywhere within a second, for good.</p>
      <form method="post" action="${action('/revoke')}">
        ${token}
        ${input({
          name: 'confirm',
          label: `Type ${key.name} to confirm`,
          value: values.text('confirm'),
          required: true,
          problem: of('/revoke') ? problem : null,
        })}
        <div class="actions"><button class="danger">Revoke the key</button></div>
      </form>
    </section>`
}
