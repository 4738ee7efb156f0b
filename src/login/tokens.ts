import type { Clock } from '#base/clock.ts'
import { Refusal } from '#base/refusal.ts'
import type { Identity } from '#identity/identity.ts'
import { namedClient, type From, type Parameters } from './client-authentication.ts'
import type { Exchange } from './exchange.ts'
import type { Renewal } from './renewal.ts'
import type { ServiceTokenAnswer, ServiceTokens } from './service-tokens.ts'
import { tokenAnswer, type TokenAnswer } from './token-answer.ts'

export interface TokensOptions {
  /** null: nobody signs in through us (LOGIN=direct). */
  readonly people: { readonly exchange: Exchange; readonly renewal: Renewal } | null
  readonly services: ServiceTokens
  readonly clock: Clock
}

interface TokenRequest {
  readonly parameters: Parameters
  /** Of `Authorization: Basic` (RFC 6749 section 2.3.1), decoded; null without one. */
  readonly basic: { readonly id: string; readonly secret: string } | null
}

interface TokenGrant {
  readonly answer: TokenAnswer | ServiceTokenAnswer
  /** For the log; null for a service account, and when a renewal is answered once more. */
  readonly identity: Identity | null
}

export interface Tokens {
  /** `grant_types_supported` of RFC 8414. */
  readonly grantTypes: readonly string[]
  /** The token endpoint. @throws Refusal `grant_unsupported`, `authorization_malformed`, and those of each grant. */
  grant(request: TokenRequest, from: From & { readonly requestId: string }): Promise<TokenGrant>
}

export function createTokens({ people, services, clock }: TokensOptions): Tokens {
  async function ofPeople(
    grant: Exchange | Renewal,
    { parameters, basic }: TokenRequest,
    from: From,
  ): Promise<TokenGrant> {
    // Registrations and documents are public clients, or sign: a secret here is somebody's who is mistaken about where they are.
    // An empty one is none (RFC 6749 section 2.3.1): some libraries say every client_id by Basic.
    if ((basic !== null && basic.secret !== '') || parameters['client_secret'] !== undefined)
      throw new Refusal('client_invalid', { detail: 'clients of people have no secret here' })
    const named = namedClient(parameters)
    if (basic !== null && named !== null && named !== basic.id)
      throw new Refusal('authorization_malformed', { detail: 'two client ids' })
    const client_id = basic?.id ?? named
    const { granted, identity } = await grant({ ...parameters, ...(client_id === null ? {} : { client_id }) }, from)
    return { answer: tokenAnswer(granted, clock), identity }
  }

  async function ofService(
    { parameters, basic }: TokenRequest,
    from: From & { readonly requestId: string },
  ): Promise<TokenGrant> {
    const { client_id, client_secret, scope = null } = parameters
    // Two ways at once (RFC 6749 section 2.3).
    if (basic !== null && client_secret !== undefined)
      throw new Refusal('authorization_malformed', { detail: 'client_secret twice' })
    const id = basic?.id ?? client_id
    const secret = basic?.secret ?? client_secret
    if (id === undefined || secret === undefined)
      throw new Refusal('client_invalid', { detail: 'client_credentials needs the id of an API key and the key' })
    if (client_id !== undefined && client_id !== id)
      throw new Refusal('authorization_malformed', { detail: 'two client ids' })
    return { answer: await services.issue({ id, secret }, { scope, ...from }), identity: null }
  }

  return {
    grantTypes: [...(people === null ? [] : ['authorization_code', 'refresh_token']), 'client_credentials'],
    async grant(request, from) {
      const { grant_type } = request.parameters
      if (grant_type === undefined) throw new Refusal('authorization_malformed', { detail: 'no grant_type' })
      if (grant_type === 'client_credentials') return await ofService(request, from)
      if (people !== null && grant_type === 'authorization_code') return await ofPeople(people.exchange, request, from)
      if (people !== null && grant_type === 'refresh_token') return await ofPeople(people.renewal, request, from)
      throw new Refusal('grant_unsupported', { detail: grant_type.slice(0, 64) })
    },
  }
}
