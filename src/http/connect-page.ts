import { clients, type Client } from '#base/clients.ts'
import { outlook, type IssuerFacts, type Verdict } from '#base/client-outlook.ts'
import type { Snippet, Way } from '#base/client-snippets.ts'
import { COPY_SCRIPT } from './copy-script.ts'
import { metadataUrl } from './endpoints.ts'
import { html, type Html } from '#base/html.ts'
import { document, type Document } from '#base/page.ts'

export interface ConnectPageOptions {
  /** No trailing slash. */
  readonly publicUrl: string
  /** The MCP endpoint this page is about. */
  readonly mcp: string
  /** Of the tenant's own endpoint; that it is well-formed is all that is known of it (D13). */
  readonly slug: string | null
  /** Names of the providers that sign-in is offered with. */
  readonly signIn: readonly string[]
  /** What clients meet when they sign in; null when they cannot. */
  readonly issuer: IssuerFacts | null
  /** Is `issuer` known, or only expected? Then a client id of one's own is offered beside sign-in. */
  readonly certain: boolean
  /** Is there a console to link to? */
  readonly console: boolean
}

/** The usual case needs no word. */
const CHIP: Readonly<Record<Exclude<Verdict, 'works'>, readonly [tone: string, text: string]>> = {
  'client-id': ['warn', 'needs a client id'],
  key: ['', 'API key'],
  no: ['', 'not with this server'],
}

const WAY: Readonly<Record<Way, string>> = {
  'sign-in': 'By signing in',
  'client-id': 'With a client id',
  key: 'With an API key',
}

/**
 * What a person sees who opens the server's address: what this is, and what to paste into which client. The same for everybody, for a
 * tenant's address too (D13). Each client is an element that opens by itself, so that it works without JavaScript; the script only copies.
 */
export function connectPage(options: ConnectPageOptions): Document {
  const { publicUrl, mcp, slug, signIn, issuer, certain } = options
  const shown = clients.map((client) => ({ client, ...outlook(client, { url: mcp, issuer, broken: null }) }))
  const first = shown.find(({ verdict }) => verdict !== 'no')?.client
  const { host } = new URL(publicUrl)
  return document({
    title: `Connect to ${host}`,
    width: 'wide',
    script: COPY_SCRIPT,
    body: html`<h1>Connect to ${host}</h1>
      <p class="lead">
        This is an MCP server: it gives tools to an AI client.
        ${
          signIn.length > 0
            ? 'Add its address to your client, and sign in when the client asks.'
            : 'Add its address and an API key to your client.'
        }${slug !== null && html` This address is for people of <strong>${slug}</strong>.`}
      </p>
      <div class="address">
        <code id="address-text">${mcp}</code>${copyButton('address-text', 'primary', 'the address')}
      </div>
      ${
        signIn.length > 0
          ? html`<h2>Sign in with</h2>
              <ul class="chips">
                ${signIn.map((name) => html`<li>${name}</li>`)}
              </ul>`
          : html`<p class="note">
              <strong>No sign-in here.</strong> This server takes API keys only: ask for one where you got this address.
            </p>`
      }
      <h2>Your client</h2>
      ${shown.map(({ client, verdict, why }) => entry({ client, verdict, why, mcp, certain, open: client === first }))}
      <p id="said" class="unseen" role="status"></p>
      <footer>
        ${
          options.console &&
          html`<a href="${publicUrl}/console">Console</a>: members, API keys and the audit log of your organisation.
            &middot; `
        }<a href="${metadataUrl(publicUrl, slug)}">What this server tells clients</a>
      </footer>`,
  })
}

interface Entry {
  readonly client: Client
  readonly verdict: Verdict
  readonly why: string
  readonly mcp: string
  readonly certain: boolean
  readonly open: boolean
}

/** One client. The element with its id lies inside, so that a link to it (`/#cursor`) opens it. */
function entry({ client, verdict, why, mcp, certain, open }: Entry): Html {
  const [tone, word] = verdict === 'works' ? [] : CHIP[verdict]
  const install = verdict === 'works' ? client.install(mcp) : null
  const main: Way = verdict === 'works' || verdict === 'no' ? 'sign-in' : verdict
  const snippets = verdict === 'no' ? [] : client.snippets(mcp)
  const others = alsoOffered(verdict, certain).filter((way) => snippets.some((snippet) => snippet.way === way))
  const of = (way: Way): Html[] =>
    snippets
      .map((snippet, at) => ({ snippet, at }))
      .filter(({ snippet }) => snippet.way === way)
      .map(({ snippet, at }) => shownSnippet(client, snippet, at))
  return html`<details class="item" name="client" ${open ? OPEN : null}>
    <summary>
      <strong>${client.name}</strong>${word !== undefined && html`<span class="chip ${tone}">${word}</span>`}
    </summary>
    <section id="${client.id}" aria-label="${client.name}">
      ${verdict !== 'works' && html`<p class="small">${sentence(why)}</p>`}
      ${install !== null && html`<p><a class="button primary" href="${install.href}">${install.label}</a></p>`}
      ${of(main)}
      ${others.map(
        (way) =>
          html`<h3>${WAY[way]}</h3>
            ${of(way)}`,
      )}
    </section>
  </details>`
}

const OPEN = html`open`

/** The ways beside the first. A client id of one's own is for where clients cannot register, or perhaps cannot. */
function alsoOffered(verdict: Verdict, certain: boolean): readonly Way[] {
  if (verdict === 'works') return certain ? ['key'] : ['client-id', 'key']
  return verdict === 'client-id' ? ['key'] : []
}

const shownSnippet = (client: Client, { where, text }: Snippet, at: number): Html =>
  copyable(`${client.id}-${at}`, where, `for ${client.name}`, text)

const copyable = (id: string, where: string, what: string, text: string): Html =>
  html`<div class="snippet">
    <div class="where"><span>${where}</span>${copyButton(`${id}-text`, 'tiny', what)}</div>
    <pre><code id="${id}-text">${text}</code></pre>
  </div>`

/** Hidden until the script that it needs shows it. */
const copyButton = (of: string, look: 'tiny' | 'primary', what: string): Html =>
  html`<button type="button" class="${look}" data-copy="${of}" hidden>
    <span>Copy</span><span class="unseen"> ${what}</span>
  </button>`

const sentence = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`
