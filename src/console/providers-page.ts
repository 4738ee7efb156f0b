import { html, type Html } from '#base/html.ts'
import type { ProvidersConfig } from '#base/config.ts'
import type { Provider, ProviderState } from '#identity/provider.ts'
import type { OperatorPage, OperatorSection } from './operator-pages.ts'
import { chip, head, when } from './parts.ts'
import { tokenWords, vouchesFor } from './provider-facts.ts'

export interface ProvidersShown {
  readonly config: ProvidersConfig
  readonly providers: readonly Pick<Provider, 'id' | 'tokens' | 'login' | 'state' | 'grants_scopes'>[]
}

/** Who may vouch for people, and how each is doing. Asks nobody: what is shown is what this process knows. */
export function providersSection({ config, providers }: ProvidersShown): OperatorSection {
  const page: OperatorPage = {
    path: '/providers',
    title: 'Providers',
    show: async ({ now }) =>
      html`${head('Providers', 'Who may vouch for people here, as this replica knows it at the moment. No secret is shown.')}
      ${providers.map((provider) => card(provider, now))}`,
  }

  function card(provider: ProvidersShown['providers'][number], now: number): Html {
    const { id, login, state, grants_scopes } = provider
    const known = state?.() ?? null
    return html`<section class="card">
      <h2 class="row">${login?.label ?? NAMES[id] ?? id} ${health(known)}</h2>
      <dl class="facts">
        <dt>Id</dt>
        <dd><code>${id}</code></dd>
        <dt>Recognises</dt>
        <dd class="broken">${tokenWords(provider).map((words) => html`<div>${words}</div>`)}</dd>
        <dt>Vouches for</dt>
        <dd>${vouchesFor(id, config)}</dd>
        ${
          NAMES[id] === undefined &&
          html`<dt>Sign-in here</dt>
            <dd>${(login ?? null) === null ? 'no client configured: it vouches for tokens only' : 'configured'}</dd>`
        }
        <dt>Our scopes</dt>
        <dd>${grants_scopes ? 'its tokens carry them, and narrow what a person may do' : 'not in its tokens'}</dd>
        ${known !== null && facts(known, now)}
      </dl>
    </section>`
  }

  return { pages: [page], forms: [] }
}

/** Those with which nobody signs in. */
const NAMES: Readonly<Record<string, string>> = {
  'api-key': 'API keys',
  'service-token': 'Tokens for API keys',
  'static-key': 'The key of API_KEY',
  'shared-secret': 'Shared secret',
}

function health(state: ProviderState | null): Html {
  if (state === null) return chip('good', 'ready')
  if (state.first_attempt === null) return state.ready ? chip('good', 'ready') : chip('', 'not asked yet')
  if (!state.ready) return chip('bad', 'cannot be asked')
  return state.last_error === null ? chip('good', 'ready') : chip('warn', 'works with held keys')
}

const facts = (
  { keys, last_success, last_error, last_failure = null, next_attempt = null }: ProviderState,
  now: number,
): Html =>
  html`<dt>Keys</dt>
    <dd>${keys === null ? 'none held' : html`${keys} held, fetched ${when(last_success, now)}`}</dd>
    <dt>Last failure</dt>
    <dd>${when(last_failure, now)}${last_error !== null && html`: <span class="broken">${last_error}</span>`}</dd>
    <dt>Asked again</dt>
    <dd>
      ${next_attempt === null ? 'at its next token' : next_attempt <= now ? 'at its next token' : html`at its next token, not before ${when(next_attempt, now)}`}
    </dd>`
