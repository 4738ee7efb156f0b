import { html, type Html } from '#base/html.ts'
import type { CheckReport, ClaimRecord } from '#tenancy/claims.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import type { ConsoleDeps } from './deps.ts'
import { findings, recordSteps } from './domain-record.ts'
import { TERMS_FORM, termsForm, termsOf } from './domain-terms.ts'
import { standingOf, verifiedBy } from './domain-words.ts'
import { NO_FIELDS } from './fields.ts'
import { formToken } from './frame.ts'
import { chip, doneNote, input, problemNote, when } from './parts.ts'
import type { Place, TenantForm, TenantPage, TenantSection, View } from './tenant-pages.ts'

const CHECK_FORM = '/domains/:domain/check'
const REMOVE_FORM = '/domains/:domain/remove'

const DONE = {
  claimed: 'The domain is claimed. Now publish the record that proves that it is yours.',
  changed: 'People join in the new way from now on; who is here already stays what they are.',
}

/** Seconds between two looks at a page on which something is awaited. */
const POLL = 10

/** One domain: how it stands, the record that proves it, how people join by it, and its removal. */
export function domainPages({
  registry,
  vouchers,
  clock,
}: Pick<ConsoleDeps, 'registry' | 'vouchers' | 'clock'>): TenantSection {
  const domainOf = ({ params }: Place): string => params['domain'] ?? ''

  async function show(place: Place, view: View): Promise<Html> {
    const record = await registry.claims.show(place.tenant, place.actor, domainOf(place))
    return whole(place, view, record, null)
  }

  function whole(place: Place, view: View, record: ClaimRecord, report: CheckReport | null): Html {
    const { domain } = record
    const problem = view.problem?.form === CHECK_FORM ? view.problem : null
    const admin = place.may('tenant:admin')
    const awaited = record.expected !== null && record.state !== 'verified'
    const check = html`${problemNote(problem)}
      <form class="actions" method="post" action="${place.path(`/domains/${domain}/check`)}">
        ${formToken(place.csrf)}<button class="${awaited ? 'primary' : ''}">Check now</button>
      </form>`
    return html`${admin && html`<p class="crumb"><a href="${place.path('/domains')}">Domains</a></p>`}
      <div class="head"><h1>${domain}</h1></div>
      ${doneNote(DONE, view.done)} ${report !== null && findings(report, place)}
      ${standing(place, record, report === null)} ${recordSteps(record, check)}
      ${admin && html`${termsForm(place, view, record, vouchers)} ${removal(place, view, record)}`}`
  }

  const page: TenantPage = {
    path: '/domains/:domain',
    current: '/domains',
    title: domainOf,
    // Who may see it is the registry's to say: also a member who proves it to become owner (D10).
    scope: null,
    show,
  }

  const check: TenantForm = {
    path: CHECK_FORM,
    page,
    scope: null,
    // It changes nothing that the background would not change within the day.
    fresh: false,
    async run(place) {
      const report = await registry.claims.check(place.tenant, place.actor, domainOf(place))
      const view = { query: NO_FIELDS, values: NO_FIELDS, problem: null, done: null }
      // The DNS took its time: what it said was said after this request began.
      return { title: report.domain, body: whole({ ...place, now: clock.now() }, view, report, report) }
    },
  }

  const terms: TenantForm = {
    path: TERMS_FORM,
    page,
    scope: 'tenant:admin',
    fresh: true,
    async run(place, fields) {
      const { domain } = await registry.claims.set(place.tenant, place.actor, domainOf(place), termsOf(fields))
      return `/domains/${domain}?done=changed`
    },
  }

  const remove: TenantForm = {
    path: REMOVE_FORM,
    page,
    scope: 'tenant:admin',
    fresh: true,
    async run(place, fields) {
      const { domain } = await registry.claims.show(place.tenant, place.actor, domainOf(place))
      if (fields.text('confirm').toLowerCase() !== domain)
        throw new RegistryError('invalid', `type ${domain} to remove it`, 'confirm')
      await registry.domains.remove(place.tenant, place.actor, domain)
      return '/domains?done=removed'
    },
  }

  // Whoever reloads the answer of "check now" by its address finds the page.
  return { pages: [page, { ...page, path: CHECK_FORM }], forms: [check, terms, remove] }
}

/** The state with its times; looks again by itself while something is awaited. */
/** @param told is what was found last said here? Not right after a check, which says it itself. */
function standing({ now, path, csrf, may }: Place, record: ClaimRecord, told: boolean): Html {
  const { tone, word, sentence, urgent } = standingOf(record)
  const { domain, state, problem, created_at, verified_at, checked_at, next_check, lapses_at, expires_at, expected } =
    record
  const again = may('tenant:admin') && expected === null && !(state === 'verified' && record.verified_by === 'dns')
  return html`<section
    class="card"
    id="standing"
    ${urgent && html`data-poll="${POLL}"`}
    data-said="${`${domain}: ${word}`}"
  >
    <div class="row">${chip(tone, word)}</div>
    <p>${sentence}</p>
    ${told && problem !== null && problem.code !== 'contested' && problem.code !== 'approval' && html`<p><strong>When we last looked:</strong> ${problem.message}</p>`}
    <dl class="facts">
      ${fact('Claimed', when(created_at, now))}
      ${verified_at !== null && fact('Verified', html`${when(verified_at, now)}, by ${verifiedBy(record) ?? 'nobody'}`)}
      ${fact('Last looked', when(checked_at, now))} ${next_check !== null && fact('Looks again', when(next_check, now))}
      ${lapses_at !== null && fact('Lapses', html`${when(lapses_at, now)}, unless the record is back`)}
      ${expires_at !== null && fact('Ends', html`${when(expires_at, now)}, unless it is proved`)}
    </dl>
    ${
      again &&
      html`<form class="actions" method="post" action="${path('/domains')}">
        ${formToken(csrf)}<input type="hidden" name="domain" value="${domain}" />
        <button class="primary">${state === 'verified' ? 'Prove it by a DNS record' : 'Claim it again'}</button>
      </form>`
    }
  </section>`
}

const fact = (name: string, value: Html): Html =>
  html`<dt>${name}</dt>
    <dd>${value}</dd> `

function removal({ path, csrf }: Place, view: View, { domain, state }: ClaimRecord): Html {
  const problem = view.problem?.form === REMOVE_FORM ? view.problem : null
  if (state === 'lapsed')
    return html`<section class="card">
      <h2>Remove ${domain}</h2>
      <p>Its proof lapsed once, so only the people who run this server can remove it.</p>
    </section>`
  return html`<section class="card danger" id="remove">
    <h2>Remove ${domain}</h2>
    <p>Nobody joins by it any more, and another organisation can claim it. Everybody who is here stays.</p>
    <form method="post" action="${path(`/domains/${domain}/remove`)}">
      ${formToken(csrf)} ${problemNote(problem)}
      ${input({ name: 'confirm', label: `Type ${domain} to remove it`, value: view.values.text('confirm'), problem, required: true, maxlength: 253 })}
      <div class="actions"><button class="danger">Remove this domain</button></div>
    </form>
  </section>`
}
