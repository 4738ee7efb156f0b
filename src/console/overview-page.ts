import { html, type Html } from '#base/html.ts'
import type { DomainRecord } from '#tenancy/domains.ts'
import { usageRange } from '#tenancy/usage-range.ts'
import type { ConsoleDeps } from './deps.ts'
import { formToken } from './frame.ts'
import { attentionCard, domainMatters, keyMatters, requestMatters } from './overview-attention.ts'
import { latestCard } from './overview-latest.ts'
import { firstSteps } from './overview-steps.ts'
import { numbers, usageCards } from './overview-usage.ts'
import { copyLine, doneNote, head, problemNote } from './parts.ts'
import type { Place, TenantForm, TenantPage, TenantSection, View } from './tenant-pages.ts'

const OWNERSHIP = '/ownership'

const DONE = { joined: 'You belong here now. Connect a client, and sign in there as you did here.' }

/** How the organisation is doing: what needs somebody, what to paste into a client, and what went on. */
export function overviewSection({ publicUrl, registry }: Pick<ConsoleDeps, 'publicUrl' | 'registry'>): TenantSection {
  const page: TenantPage = {
    path: '',
    title: 'Overview',
    scope: null,
    async show(place, view) {
      const { tenant, principal } = place
      const lead = place.seenAs === null ? `You are ${article(principal.role)} here.` : 'As its admin sees it.'
      return html`${head(tenant.name, lead)} ${doneNote(DONE, view.done)}
      ${ownershipCard(place, view, await registry.claims.inheritable(tenant, place.actor))}
      ${place.may('tenant:admin') ? await admins(place) : await members(place)}`
    },
  }

  const connect = ({ tenant }: Place): Html =>
    html`<section class="card" id="connect">
      <h2>Connect a client</h2>
      <p>
        Add this address to Claude, Cursor, VS Code, ChatGPT or Codex, and sign in when it asks.
        <a href="/t/${tenant.slug}">What to paste where</a>
      </p>
      ${copyLine('mcp', 'Address', `${publicUrl}/t/${tenant.slug}/mcp`)}
    </section>`

  async function admins(place: Place): Promise<Html> {
    const { tenant, actor, now } = place
    const domains = await registry.domains.list(tenant, actor)
    const people = await registry.members.tally(tenant, actor)
    const { items: keys } = await registry.keys.list(tenant, actor)
    const usage = await registry.usage.report(tenant, actor, usageRange('30d', now))
    const invited = people.active > 1 || (await registry.invitations.list(tenant, actor, { limit: 1 })).items.length > 0
    const matters = [...domainMatters(domains), ...requestMatters(people.requested), ...keyMatters(keys, now)]
    const steps = firstSteps(place, {
      proved: domains.some(({ state, verified_by }) => state === 'verified' && verified_by !== 'provision'),
      invited,
      connected: usage.totals.calls > 0,
      key: keys.length > 0,
    })
    return html`${attentionCard(place, matters)} ${steps} ${numbers(place, usage, { domains, people: people.active })}
    ${connect(place)} ${usageCards(place, usage)} ${place.may('audit:read') && (await latest(place))}`
  }

  async function latest(place: Place): Promise<Html> {
    const { items } = await registry.audit.list(place.tenant, place.actor, {}, { limit: 20 })
    return latestCard(place, items)
  }

  async function members(place: Place): Promise<Html> {
    const { tenant, actor, now } = place
    const { items: keys } = await registry.keys.list(tenant, actor)
    const usage = await registry.usage.report(tenant, actor, usageRange('30d', now))
    return html`${attentionCard(place, keyMatters(keys, now))} ${connect(place)} ${usageCards(place, usage)}`
  }

  // The registry judges who may: a member of a tenant without an owner (D10).
  const ownership: TenantForm = {
    path: OWNERSHIP,
    page,
    scope: null,
    fresh: true,
    async run({ tenant, actor }, fields) {
      const { domain } = await registry.claims.claim(tenant, actor, { domain: fields.text('domain') })
      return `/domains/${domain}?done=claimed`
    },
  }

  return { pages: [page], forms: [ownership] }
}

const article = (role: string): string => (/^[aeo]/.test(role) ? `an ${role}` : `a ${role}`)

/** Nobody looks after the organisation yet, and whoever reads this can become its owner. */
function ownershipCard({ tenant, path, csrf }: Place, view: View, domains: readonly DomainRecord[]): Html | null {
  if (domains.length === 0) return null
  return html`<section class="card call" id="ownership">
    <h2>${tenant.name} has no owner yet</h2>
    <p>
      Somebody has to look after people, keys and domains. Prove with a record in the DNS that
      ${domains.length === 1 ? 'its domain' : 'one of its domains'} is yours to look after, and you become the owner.
    </p>
    ${problemNote(view.problem?.form === OWNERSHIP ? view.problem : null)}
    <div class="actions">
      ${domains.map(
        ({ domain }) =>
          html`<form method="post" action="${path(OWNERSHIP)}">
            ${formToken(csrf)}<input type="hidden" name="domain" value="${domain}" />
            <button class="primary">Prove ${domain}</button>
          </form>`,
      )}
    </div>
  </section>`
}
