import { html, type Html } from '#base/html.ts'
import { KEY_DAYS, MOST_REQUESTS_PER_HOUR } from '#tenancy/key-terms.ts'
import type { KeyInput, KeyRecord } from '#tenancy/keys.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import type { Fields } from './fields.ts'
import { checkbox, input, select } from './parts.ts'
import type { Place, Problem } from './tenant-pages.ts'

const DAY = 86_400_000

/** Days that people choose from. */
const LIVES: readonly (readonly [string, string])[] = [
  [String(KEY_DAYS.least), '1 day'],
  ['7', '7 days'],
  ['30', '30 days'],
  [String(KEY_DAYS.default), '90 days'],
  ['180', '180 days'],
  [String(KEY_DAYS.most), '365 days'],
]

const ACCESS = [
  ['read', 'Read only', 'Looks at data and changes nothing.'],
  ['all', 'Everything I may', 'All that is listed below.'],
  ['chosen', 'Only what I tick', ''],
] as const

/** What the person may give away: their own, without owner changes, which no key can hold (D23). */
const ownScopes = ({ principal }: Place): readonly string[] =>
  [...principal.scopes].filter((scope) => scope !== 'tenant:owner').sort()

/** The fields of a key. @param key the one that is changed; null: a new one. */
export function keyFields(place: Place, values: Fields, problem: Problem | null, key: KeyRecord | null): Html {
  const typed = values.entries.length > 0
  const text = (name: string, otherwise: string): string => (typed ? values.text(name) : otherwise)
  const access = text('access', key === null ? 'read' : 'chosen')
  const scopes = [...new Set([...(key?.scopes ?? []), ...ownScopes(place)])]
  const ticked = typed ? values.all('scopes') : (key?.scopes ?? [])
  const wrong = problem?.field === 'scopes' ? problem.message : null
  return html`${input({
      name: 'name',
      label: 'Name',
      value: text('name', key?.name ?? ''),
      hint: 'What it is for: "nightly export", "CI of the website".',
      required: true,
      maxlength: 100,
      problem,
    })}
    <fieldset id="scopes" ${wrong !== null && html`aria-invalid="true" aria-describedby="scopes-wrong"`}>
      <legend>What it may do</legend>
      ${wrong !== null && html`<div class="wrong" id="scopes-wrong">${wrong}</div>`}
      ${ACCESS.map(
        ([value, label, told]) =>
          html`<label class="check"
            ><input type="radio" name="access" value="${value}" ${value === access && html`checked`} /><span
              >${label}${told !== '' && html`<span class="hint"> ${told}</span>`}</span
            ></label
          >`,
      )}
      <div class="scopes">
        ${scopes.map((scope) =>
          checkbox('scopes', html`<code>${scope}</code>${scope === '*' && ' all data'}`, ticked.includes(scope), scope),
        )}
      </div>
    </fieldset>
    <div class="pair">
      ${expirySelect('expires_at', text('expires_at', key === null ? String(KEY_DAYS.default) : 'keep'), key, place.now, 'Then it stops by itself. Days are UTC.')}
      ${input({
        name: 'requests_per_hour',
        label: 'Requests per hour (optional)',
        type: 'number',
        min: 1,
        max: MOST_REQUESTS_PER_HOUR,
        value: text('requests_per_hour', String(key?.requests_per_hour ?? '')),
        hint: 'More are answered 429. Empty: no limit of its own.',
        problem,
      })}
    </div>
    ${input({
      name: 'cidrs',
      label: 'Networks it may come from (optional)',
      value: text('cidrs', key?.cidrs.join(', ') ?? ''),
      hint: html`Such as <code>203.0.113.0/24, 2001:db8::/32</code>. Empty: from anywhere.`,
      problem,
    })}`
}

/** When it ends; for a key that is there, also as it is. */
export function expirySelect(
  name: string,
  value: string,
  key: KeyRecord | null,
  now: number,
  hint: string | null = null,
): Html {
  const end = (days: string): string => new Date(now + Number(days) * DAY).toISOString().slice(0, 10)
  const lives = LIVES.map(([days, label]) => [days, `${label} (${end(days)})`] as const)
  const kept = key?.expires_at === null ? 'As it is: never' : `As it is (${key?.expires_at?.slice(0, 10) ?? ''})`
  return select({
    name,
    label: 'Ends after',
    options: key === null ? lives : [['keep', kept], ...lives],
    value,
    hint,
  })
}

/** The moment that was chosen; undefined: as it is. invalid: none of the choices. */
export function chosenExpiry(choice: string, now: number): number | undefined {
  if (choice === 'keep') return undefined
  if (!/^\d{1,3}$/.test(choice)) throw new RegistryError('invalid', 'choose when it ends', 'expires_at')
  return now + Number(choice) * DAY
}

/** What was asked for. Whether it can be is the registry's to say. */
export function readKeyForm(place: Place, fields: Fields): KeyInput {
  const limit = fields.text('requests_per_hour')
  const expires_at = chosenExpiry(fields.text('expires_at'), place.now)
  return {
    name: fields.text('name'),
    scopes: chosenScopes(place, fields),
    cidrs: fields
      .text('cidrs')
      .split(/[\s,]+/)
      .filter((cidr) => cidr !== ''),
    requests_per_hour: limit === '' ? null : Number(limit),
    ...(expires_at === undefined ? {} : { expires_at }),
  }
}

function chosenScopes(place: Place, fields: Fields): readonly string[] {
  const own = ownScopes(place)
  switch (fields.text('access')) {
    case 'read':
      return own.filter((scope) => scope.endsWith(':read') && !scope.startsWith('audit:'))
    case 'all':
      return own
    default:
      return fields.all('scopes')
  }
}
