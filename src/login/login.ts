import type { Clock } from '#base/clock.ts'
import { ConfigError, type Config } from '#base/config.ts'
import type { GuardedFetch } from '#base/fetch.ts'
import type { Log } from '#base/log.ts'
import type { Database } from '#db/database.ts'
import type { Provider } from '#identity/provider.ts'
import { createAuthorization, type Authorization } from './authorization.ts'
import { createCallback, type Callback } from './callback.ts'
import { createClientAssertion } from './client-assertion.ts'
import { createClientAuthentication } from './client-authentication.ts'
import type { DocumentsOptions } from './client-document.ts'
import { createClients } from './clients.ts'
import { createExchange } from './exchange.ts'
import { createFamilies } from './families.ts'
import { serverMetadata } from './metadata.ts'
import { isBrokered } from './mode.ts'
import { createRegistrar, type Registrar } from './registration.ts'
import { createRenewal, type RenewalOptions } from './renewal.ts'
import { createRevoker, type Revoker, type RevokerOptions } from './revocation.ts'
import { createSeals } from './seals.ts'
import type { ServiceTokens } from './service-tokens.ts'
import { createTokens, type Tokens } from './tokens.ts'
import type { Upstream } from './upstream.ts'
import { createUpstreams } from './upstreams.ts'

export interface LoginOptions {
  readonly config: Pick<Config, 'publicUrl' | 'sessionSecrets' | 'login'>
  readonly clock: Clock
  readonly log: Log
  readonly fetch: GuardedFetch
  readonly database: Pick<Database, 'control'>
  /** Has the registry been reached, in the version that this program needs? */
  readonly ready: () => boolean
  readonly providers: readonly Provider[]
  /** Scopes of this server's tools. */
  readonly scopes: readonly string[]
  readonly services: ServiceTokens
  readonly authenticate: RevokerOptions['authenticate']
  readonly revokeToken: RevokerOptions['revokeToken']
  /** Counts a client's document that an address causes to be fetched (D30). */
  readonly documents: DocumentsOptions['limit']
  /** Counts a renewal of one sign-in. */
  readonly renewals: RenewalOptions['limit']
}

/** What only a server has that signs people in itself. */
interface Broker {
  readonly authorization: Authorization
  readonly registrar: Registrar
  readonly callback: Callback
  /** RFC 8414. */
  readonly metadata: object
}

export interface Login {
  /** Also those that only the console uses. */
  readonly upstreams: readonly Upstream[]
  /** null: applications go to the providers themselves (LOGIN=direct). */
  readonly broker: Broker | null
  readonly tokens: Tokens
  readonly revoke: Revoker
}

/**
 * The sign-in room, put together. Keeps nothing of a sign-in in the process: any replica takes any step.
 * @throws ConfigError: LOGIN=broker, and no provider to sign in with.
 */
export function createLogin(options: LoginOptions): Login {
  const { config, clock, log, fetch, database, providers, scopes, services } = options
  const { publicUrl, sessionSecrets: secrets, login } = config
  const upstreams = createUpstreams({ providers, scopes, fetch, clock, log })
  const sealing = { secrets, issuer: publicUrl, clock }
  const seals = createSeals(sealing)
  const clients = createClients({ publicUrl, secrets, clock, login, fetch, limit: options.documents })
  const client = createClientAuthentication({ clients, assertion: createClientAssertion({ publicUrl, clock }) })
  const families = createFamilies({ ...sealing, database, ready: options.ready, log })
  const common = { publicUrl, upstreams, seals, client, families, clock, log }
  const signingIn = upstreams.map(({ id }) => id)
  if (login.mode === 'broker' && signingIn.length === 0)
    throw new ConfigError(['LOGIN: broker needs a provider to sign in with: one with a CLIENT_ID, and its secret'])
  const brokered = isBrokered(login.mode, signingIn)

  const people = brokered
    ? { exchange: createExchange(common), renewal: createRenewal({ ...common, limit: options.renewals }) }
    : null
  const tokens = createTokens({ people, services, clock })
  return {
    upstreams,
    tokens,
    revoke: createRevoker({ ...common, authenticate: options.authenticate, revokeToken: options.revokeToken }),
    broker: brokered
      ? {
          authorization: createAuthorization({ publicUrl, secrets, clock, login, clients, upstreams }),
          registrar: createRegistrar({ publicUrl, secrets, clock, login }),
          callback: createCallback({ publicUrl, upstreams, seals }),
          metadata: serverMetadata({ publicUrl, grantTypes: tokens.grantTypes, scopes }),
        }
      : null,
  }
}
