import { html, type Html } from '#base/html.ts'
import type { ConsoleDeps } from './deps.ts'
import { copyLine, doneNote, head } from './parts.ts'
import type { Place, TenantPage, TenantSection } from './tenant-pages.ts'

const DONE = { joined: 'You belong here now. Connect a client, and sign in there as you did here.' }

/** How the organisation is doing: what to paste into a client, and what needs somebody's attention. */
export function overviewSection({ publicUrl, registry }: Pick<ConsoleDeps, 'publicUrl' | 'registry'>): TenantSection {
  const page: TenantPage = {
    path: '',
    title: 'Overview',
    scope: null,
    async show(place, { done }) {
      const { tenant, principal } = place
      return html`${head(tenant.name, place.seenAs === null ? `You are ${principal.role} here.` : 'As its admin sees it.')}
        ${doneNote(DONE, done)}
        <section class="card">
          <h2>Connect a client</h2>
          <p>
            Add this address to Claude, Cursor, VS Code, ChatGPT or Codex and sign in when it asks.
            <a href="/t/${tenant.slug}">What to paste where</a>
          </p>
          ${copyLine('mcp', 'Address', `${publicUrl}/t/${tenant.slug}/mcp`)}
        </section>
        ${place.may('tenant:admin') && (await admins(place))}`
    },
  }

  async function admins({ tenant, actor, path }: Place): Promise<Html> {
    const [domains, people] = [await registry.domains.list(tenant, actor), await registry.members.tally(tenant, actor)]
    const verified = domains.filter(({ state }) => state === 'verified').length
    return html`<div class="cards">
      <dl class="card stat">
        <dt><a href="${path('/domains')}">Verified domains</a></dt>
        <dd>${verified}</dd>
      </dl>
      <dl class="card stat">
        <dt><a href="${path('/people')}">People</a></dt>
        <dd>${people.active}</dd>
      </dl>
    </div>`
  }

  return { pages: [page], forms: [] }
}
