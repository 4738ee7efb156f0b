import { html, type Html } from '#base/html.ts'
import type { DomainRecord } from '#tenancy/domains.ts'
import type { ConsoleDeps } from './deps.ts'
import { domainPages } from './domain-page.ts'
import { JOINS, standingOf, verifiedBy } from './domain-words.ts'
import { formToken } from './frame.ts'
import { chip, doneNote, empty, head, input, problemNote, when } from './parts.ts'
import type { Place, TenantForm, TenantPage, TenantSection, View } from './tenant-pages.ts'

const DONE = { removed: 'The domain was removed. Nobody joins by it any more; everybody who is here stays.' }

/** The domains of a tenant: which there are, how they stand, and claiming one. */
export function domainsSection(deps: Pick<ConsoleDeps, 'registry' | 'vouchers' | 'clock'>): TenantSection {
  const { registry } = deps
  const page: TenantPage = {
    path: '/domains',
    title: 'Domains',
    scope: 'tenant:admin',
    async show(place, view) {
      const { tenant, actor } = place
      const domains = await registry.domains.list(tenant, actor)
      return html`${head('Domains', 'Whoever signs in with an address at a domain of yours can belong here.')}
      ${doneNote(DONE, view.done)} ${domains.filter(isAlarming).map((domain) => alarm(place, domain))}
      ${domains.length === 0 ? NOTHING : table(place, domains)} ${claimForm(place, view)}`
    },
  }

  const claim: TenantForm = {
    path: '/domains',
    page,
    scope: 'tenant:admin',
    fresh: true,
    async run({ tenant, actor }, fields) {
      const { domain } = await registry.claims.claim(tenant, actor, { domain: fields.text('domain') })
      return `/domains/${domain}?done=claimed`
    },
  }

  const one = domainPages(deps)
  return { pages: [page, ...one.pages], forms: [claim, ...one.forms] }
}

/** A domain that worked and does not, or will not for long. */
const isAlarming = ({ state, lapses_at }: DomainRecord): boolean => state === 'lapsed' || lapses_at !== null

const alarm = ({ path, now }: Place, record: DomainRecord): Html => {
  const { domain, lapses_at, problem } = record
  const { word, sentence } = standingOf(record)
  return html`<div class="note bad">
    <p>
      <strong><a href="${path(`/domains/${domain}`)}">${domain}</a>: ${word}.</strong> ${sentence}
      ${lapses_at !== null && html`It lapses ${when(lapses_at, now)}.`}
    </p>
    ${problem !== null && html`<p class="small">${problem.message}</p>`}
  </div> `
}

const NOTHING = empty(
  'No domain yet',
  html`Claim the domain of your company. Once a record in its DNS proves that it is yours, colleagues who sign in with
  their work address arrive here by themselves, and nobody else can take it.`,
)

const table = ({ path, now }: Place, domains: readonly DomainRecord[]): Html =>
  html`<section class="card">
    <div class="scroll">
      <table class="stack">
        <thead>
          <tr>
            <th scope="col">Domain</th>
            <th scope="col">State</th>
            <th scope="col">Verified by</th>
            <th scope="col">Last looked</th>
            <th scope="col">People join</th>
          </tr>
        </thead>
        <tbody>
          ${domains.map((record) => {
            const { tone, word } = standingOf(record)
            const { domain, include_subdomains, checked_at, join_mode, default_role } = record
            return html`<tr>
              <th scope="row">
                <a href="${path(`/domains/${domain}`)}">${domain}</a>
                ${include_subdomains && html`<div class="hint">and its subdomains</div>`}
              </th>
              <td data-label="State"><span>${chip(tone, word)}</span></td>
              <td data-label="Verified by">
                <span>${verifiedBy(record) ?? html`<span class="soft">not yet</span>`}</span>
              </td>
              <td data-label="Last looked"><span>${when(checked_at, now)}</span></td>
              <td data-label="People join">
                <span
                  >${JOINS[join_mode]}${join_mode !== 'invite' && html` <span class="soft">as ${default_role}</span>`}</span
                >
              </td>
            </tr> `
          })}
        </tbody>
      </table>
    </div>
  </section>`

/** The path of the claim form, wherever it stands. */
const claimForm = ({ path, csrf }: Place, { values, problem }: View): Html => {
  const ours = problem?.form === '/domains' ? problem : null
  return html`<section class="card" id="claim">
    <h2>Claim a domain</h2>
    <p class="soft">
      You get a TXT record to put into its DNS. You can also claim what somebody else looks after, and send them the
      record.
    </p>
    <form method="post" action="${path('/domains')}">
      ${formToken(csrf)} ${problemNote(ours)}
      ${input({
        name: 'domain',
        label: 'Domain',
        value: values.text('domain'),
        hint: html`What stands after the @ of your addresses, for example <code>acme.com</code>. An international name
          (IDN) as punycode: <code>xn--bcher-kva.de</code> for bücher.de.`,
        problem: ours,
        required: true,
        maxlength: 253,
      })}
      <div class="actions"><button class="primary">Claim this domain</button></div>
    </form>
  </section>`
}
