import { html, type Html } from '#base/html.ts'
import type { KeyRecord, NewKey } from '#tenancy/keys.ts'
import { chip, copyButton, copyLine, head, when, type Tone } from './parts.ts'
import type { Place } from './tenant-pages.ts'

const DAY = 86_400_000
/** From when on an end that comes is shown in colour. */
const SOON = 14 * DAY
const VERY_SOON = 3 * DAY

/** What a key is at this moment: a word, and a colour that says no more than it. */
export function keyStatus({ status, creator_active, rotated_to }: KeyRecord): Html {
  const [tone, word]: readonly [Tone, string] =
    status === 'revoked'
      ? ['', 'Revoked']
      : status === 'expired'
        ? ['', 'Ended']
        : !creator_active
          ? ['bad', 'Stopped: maker is gone']
          : rotated_to !== null
            ? ['warn', 'Being replaced']
            : ['good', 'Active']
  return chip(tone, word)
}

/** When it ends; near ends are coloured, and say so. */
export function keyEnd({ status, expires_at }: KeyRecord, now: number): Html {
  if (expires_at === null) return html`<span class="soft">never</span>`
  const left = Date.parse(expires_at) - now
  if (status !== 'active' || left > SOON) return when(expires_at, now)
  return html`<span class="chip ${left > VERY_SOON ? 'warn' : 'bad'}">ends ${when(expires_at, now)}</span>`
}

export const lastUse = ({ last_used_at, last_used_ip }: KeyRecord, now: number): Html =>
  html`${when(last_used_at, now)}${last_used_ip !== null && html` <span class="small mono nowrap">${last_used_ip}</span>`}`

/** The start of the key, by which its holder knows it. */
export const keyPrefix = ({ id }: KeyRecord): Html => html`<code class="nowrap">gh_key_${id}_…</code>`

export const makerOf = ({ creator, creator_name }: KeyRecord): string => creator_name ?? creator ?? 'an operator'

export const isOver = ({ status }: KeyRecord): boolean => status !== 'active'

/** The key, this once, with what to paste where. */
export function newKeyBody({ key, record }: NewKey, place: Place, publicUrl: string, told: Html | null): Html {
  const url = `${publicUrl}/t/${place.tenant.slug}/mcp`
  const config = {
    mcpServers: {
      [`gatehouse-${place.tenant.slug}`]: { type: 'http', url, headers: { Authorization: `Bearer ${key}` } },
    },
  }
  const curl = [
    `GATEHOUSE_KEY='${key}'`,
    `curl -s ${url} -H "Authorization: Bearer $GATEHOUSE_KEY" \\`,
    `  -H 'content-type: application/json' -H 'accept: application/json, text/event-stream' \\`,
    `  -d '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'`,
  ].join('\n')
  return html`${head('Store this key now', html`<strong>${record.name}</strong> is ready. It is shown this once: we keep only its digest.`)}
    ${told}
    <section class="card">
      ${copyLine('key', 'Key', key)}
      <p>
        <a class="button primary" href="${place.path(`/keys/${record.id}?done=stored`)}">I stored it</a>
      </p>
      <p class="small">Lost it? Nobody can read it again: rotate the key, and store the new one.</p>
    </section>
    <section class="card">
      <h2>Use it</h2>
      ${snippet('curl', 'In a terminal', curl)}
      ${snippet('config', "In an MCP client's configuration (mcp.json)", JSON.stringify(config, null, 2))}
      <p class="small">Keep it out of repositories: in a secret store, or a file that only you can read.</p>
    </section>`
}

const snippet = (id: string, where: string, text: string): Html =>
  html`<div class="snippet">
    <div class="where"><span>${where}</span>${copyButton(id, where.toLowerCase())}</div>
    <pre id="${id}">${text}</pre>
  </div>`
