import { Refusal } from '#base/refusal.ts'
import type { Client, Clients } from './client.ts'

/** The form of a token or revocation request: every parameter once, none empty. */
export type Parameters = Readonly<Partial<Record<string, string>>>

export interface From {
  readonly ip: string | null
}

/**
 * Which client asks (RFC 6749 section 2.3): public clients by their client_id alone, clients whose document states private_key_jwt by an
 * assertion too (RFC 7523). A secret is nobody's here but a service account's.
 * @throws Refusal `client_invalid`, `provider_unavailable` (its document cannot be fetched now).
 */
export type ClientAuthentication = (parameters: Parameters, from: From) => Promise<Client>

export interface ClientAuthenticationOptions {
  readonly clients: Clients
  /** @throws Refusal `client_invalid` unless the assertion was signed by a key of this client, for us, now. */
  readonly assertion: (assertion: string, client: Client) => Promise<unknown>
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export function createClientAuthentication({ clients, assertion }: ClientAuthenticationOptions): ClientAuthentication {
  return async (parameters, from) => {
    const { client_id, client_assertion, client_assertion_type } = parameters
    if (client_id === undefined) throw invalid('no client_id')
    const client = await clients(client_id, from)
    if (client.token_endpoint_auth_method === 'none') {
      if (client_assertion !== undefined) throw invalid('a public client came with an assertion')
      return client
    }
    if (client_assertion === undefined || client_assertion_type !== ASSERTION_TYPE)
      throw invalid('its document states private_key_jwt, and no assertion came')
    await assertion(client_assertion, client)
    return client
  }
}

/** The client_id that is asked for: its own parameter, or what the assertion says of itself, to be proved (RFC 7521 section 4.2). */
export function namedClient({ client_id, client_assertion }: Parameters): string | null {
  if (client_id !== undefined || client_assertion === undefined) return client_id ?? null
  try {
    const claims: unknown = JSON.parse(Buffer.from(client_assertion.split('.')[1] ?? '', 'base64url').toString())
    return typeof claims === 'object' && claims !== null && 'sub' in claims && typeof claims.sub === 'string'
      ? claims.sub
      : null
  } catch {
    return null
  }
}

const invalid = (detail: string): Refusal => new Refusal('client_invalid', { detail })
