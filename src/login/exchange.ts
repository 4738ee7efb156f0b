import { createHash, timingSafeEqual } from 'node:crypto'
import { seconds, type Clock } from '#base/clock.ts'
import { uuidv7 } from '#base/id.ts'
import { Refusal } from '#base/refusal.ts'
import type { Identity } from '#identity/identity.ts'
import type { ClientAuthentication, From, Parameters } from './client-authentication.ts'
import type { Code } from './flow.ts'
import { resourceOf } from './resource.ts'
import type { Seals } from './seals.ts'
import type { Granted } from './token-answer.ts'
import type { Upstream } from './upstream.ts'

export interface ExchangeOptions {
  readonly publicUrl: string
  readonly upstreams: readonly Upstream[]
  readonly seals: Pick<Seals, 'code' | 'refresh'>
  readonly client: ClientAuthentication
  readonly clock: Clock
}

/**
 * `grant_type=authorization_code` (RFC 6749 section 4.1.3, RFC 7636, RFC 8707): the client receives the provider's own token. Everything
 * local comes before the provider is asked, so that a wrong guess cannot burn the code (D28). Ours is single-use because the provider's
 * inside it is: nothing is stored.
 * @throws Refusal `grant_invalid`, `authorization_malformed`, `target_invalid`, `client_invalid`, `provider_unavailable`.
 */
export type Exchange = (parameters: Parameters, from: From) => Promise<{ granted: Granted; identity: Identity }>

export function createExchange({ publicUrl, upstreams, seals, client, clock }: ExchangeOptions): Exchange {
  return async (parameters, from) => {
    const { code = '', redirect_uri, client_id, code_verifier, resource } = parameters
    if (code === '') throw new Refusal('authorization_malformed', { detail: 'no code' })
    const opened = seals.code.open(code)
    if (opened === null) throw invalid('the code is not ours, not whole, or older than 60 seconds')
    const { request, provider, nonce } = opened
    assertSame(opened, { client_id, redirect_uri, code_verifier })
    if (resource !== undefined && resourceOf(resource, publicUrl) !== request.resource)
      throw new Refusal('target_invalid', { detail: 'another resource than at authorize' })
    const upstream = upstreams.find(({ id }) => id === provider)
    if (upstream === undefined) throw invalid(`${provider} is no provider to sign in with any more`)
    await client(parameters, from)

    const tokens = await upstream.redeem({
      code: opened.code,
      redirect_uri: `${publicUrl}/oauth/callback/${provider}`,
      nonce,
      code_verifier: opened.code_verifier,
    })
    const { token, identity, refresh_token } = tokens
    const renewable = refresh_token === null ? null : { refresh_token }
    return {
      identity,
      granted: {
        access_token: token,
        exp: identity.exp,
        scope: identity.scopes?.join(' ') ?? request.scope,
        refresh_token:
          renewable === null
            ? null
            : seals.refresh.seal({
                family: uuidv7(clock.now()),
                generation: 0,
                client_id: request.client_id,
                resource: request.resource,
                provider,
                iss: identity.iss,
                sub: identity.sub,
                signed_in: seconds(clock),
                ...renewable,
              }),
      },
    }
  }
}

/** The client of the authorization request, and nobody who merely saw the code. */
function assertSame(
  { request }: Code,
  { client_id, redirect_uri, code_verifier = '' }: Readonly<Record<string, string | undefined>>,
): void {
  if (client_id !== request.client_id) throw invalid('another client_id')
  // OAuth 2.1 (section 4.1.3), on which MCP is built, does not send it any more: PKCE does what it did.
  if (redirect_uri !== undefined && redirect_uri !== request.redirect_uri) throw invalid('another redirect_uri')
  // RFC 7636 section 4.1.
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(code_verifier)) throw invalid('no code_verifier')
  const challenge = createHash('sha256').update(code_verifier).digest()
  const expected = Buffer.from(request.code_challenge, 'base64url')
  if (challenge.length !== expected.length || !timingSafeEqual(challenge, expected))
    throw invalid('another code_verifier')
}

const invalid = (detail: string): Refusal => new Refusal('grant_invalid', { detail })
