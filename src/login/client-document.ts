import { z } from 'zod'
import { isIP } from 'node:net'
import { bareHost, urlOf } from '#base/address.ts'
import { SingleFlight, TtlCache } from '#base/cache.ts'
import type { Clock } from '#base/clock.ts'
import { FetchFailed, type Fetched, type GuardedFetch } from '#base/fetch.ts'
import { Refusal } from '#base/refusal.ts'
import { claimedName } from './client-name.ts'
import type { Client } from './client.ts'

/** Documents held; and as many failures, apart, so that junk never pushes out what is good. */
const MOST = 1000
/** Milliseconds a document is believed, by its own cache headers within these (D30). */
const TTL = { least: 5 * 60_000, most: 24 * 3_600_000 }
/** With keys inside not so long: a client that changed them must wait for it. */
const TTL_WITH_KEYS = 3_600_000
const FAILURE_TTL = 60_000

/** The document (draft-ietf-oauth-client-id-metadata-document section 4; members of RFC 7591 section 2). */
const ClientDocument = z.looseObject({
  client_id: z.string(),
  client_name: z.string().optional(),
  redirect_uris: z.array(z.string()).min(1).max(100),
  token_endpoint_auth_method: z.enum(['none', 'private_key_jwt']).default('none'),
  grant_types: z.array(z.string()).default(['authorization_code']),
  response_types: z.array(z.string()).default(['code']),
  jwks: z.unknown().optional(),
  jwks_uri: z.string().optional(),
})
const KeySet = z.looseObject({ keys: z.array(z.record(z.string(), z.unknown())).min(1).max(20) })

/** Is this client_id the address of a document, and not a registration? Says nothing about whether it may be asked. */
export const isDocumentId = (client_id: string): boolean => /^https?:/i.test(client_id)

/**
 * The URL of a document, or null when it may not be one (section 3 of the draft, B11): https, a path, no fragment, user, dot segments or
 * port, a DNS name; spelled as the URL standard writes it, because it is compared byte for byte.
 */
export function documentUrl(client_id: string): URL | null {
  const url = client_id.length <= 2048 ? urlOf(client_id) : null
  if (url === null || url.href !== client_id || url.protocol !== 'https:') return null
  if (url.port !== '' || url.username !== '' || url.password !== '' || client_id.includes('#')) return null
  if (url.pathname === '/' || isIP(bareHost(url)) !== 0 || !/^[^.].*\.[^.]+$/.test(url.hostname)) return null
  return url
}

export interface DocumentsOptions {
  readonly fetch: Pick<GuardedFetch, 'json'>
  readonly clock: Clock
  /** Counts one document that an address causes to be fetched (10 a minute); throws Refusal `rate_limited`. */
  readonly limit: (ip: string | null) => Promise<void>
}

/** The client that a document describes. @throws Refusal `client_invalid` (judged), `provider_unavailable` (could not be fetched), `rate_limited`. */
export type Documents = (url: URL, from: { readonly ip: string | null }) => Promise<Client>

/** Fetched as a stranger's address (D30): guarded, small, short, no redirect; held for as long as the document allows within bounds. */
export function createDocuments({ fetch, clock, limit }: DocumentsOptions): Documents {
  const known = new TtlCache<Client>({ max: MOST, clock })
  /** What was read last, for when its host cannot answer: an outage there is no judgement about the client. */
  const last = new TtlCache<Client>({ max: MOST, clock })
  const failed = new TtlCache<Refusal>({ max: MOST, clock })
  const flights = new SingleFlight<Client>()

  async function load(url: URL): Promise<Client> {
    try {
      const answer = await ask(url.href)
      const document = read(answer, url)
      const keys = await keysOf(document)
      const client = clientOf(document, keys?.keys ?? null)
      known.set(url.href, client, lifeOf([answer, ...(keys?.answers ?? [])], keys !== null))
      last.set(url.href, client, keys === null ? TTL.most : TTL_WITH_KEYS)
      return client
    } catch (error) {
      const refusal = error instanceof FetchFailed ? refusalOf(error) : error
      const held = last.get(url.href)
      if (held !== undefined && refusal instanceof Refusal && refusal.code === 'provider_unavailable') {
        known.set(url.href, held, FAILURE_TTL)
        return held
      }
      last.delete(url.href)
      if (refusal instanceof Refusal) failed.set(url.href, refusal, FAILURE_TTL)
      throw refusal
    }
  }

  async function ask(url: string): Promise<Fetched<unknown>> {
    const answer = await fetch.json(url, { untrusted: true })
    // Otherwise whoever may leave a file on a host (an attachment, a gist) could speak in the host's name.
    if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(answer.headers.get('content-type') ?? ''))
      throw new Refusal('client_invalid', { detail: 'the document is not served as JSON' })
    return answer
  }

  /** Keys of a client that states private_key_jwt, from the document or from the address it names; null when it states none. */
  async function keysOf(
    document: z.infer<typeof ClientDocument>,
  ): Promise<{ keys: Client['jwks']; answers: Fetched<unknown>[] } | null> {
    if (document.token_endpoint_auth_method === 'none') return null
    const { jwks, jwks_uri } = document
    if ((jwks === undefined) === (jwks_uri === undefined))
      throw new Refusal('client_invalid', { detail: 'private_key_jwt needs either jwks or jwks_uri' })
    const answer = jwks_uri === undefined ? null : await ask(jwks_uri)
    const keys = KeySet.safeParse(answer === null ? jwks : answer.body)
    if (!keys.success || keys.data.keys.some(isSecret))
      throw new Refusal('client_invalid', { detail: 'its keys are no set of public keys' })
    return { keys: { keys: keys.data.keys }, answers: answer === null ? [] : [answer] }
  }

  return async (url, { ip }) => {
    const held = known.get(url.href)
    if (held !== undefined) return held
    const failure = failed.get(url.href)
    if (failure !== undefined) throw failure
    await limit(ip)
    return await flights.run(url.href, async () => await load(url))
  }
}

function read({ body }: Fetched<unknown>, url: URL): z.infer<typeof ClientDocument> {
  const parsed = ClientDocument.safeParse(body)
  const refuse = (detail: string): never => {
    throw new Refusal('client_invalid', { detail })
  }
  if (!parsed.success) return refuse(`the document's ${parsed.error.issues[0]?.path.map(String).join('.') || 'form'}`)
  const document = parsed.data
  if (document.client_id !== url.href) return refuse('the document names another client_id')
  if ('client_secret' in document || 'client_secret_expires_at' in document)
    return refuse('the document holds a secret')
  if (!document.grant_types.includes('authorization_code') || !document.response_types.includes('code'))
    return refuse('the document does not ask for the authorization code grant')
  return document
}

const clientOf = (document: z.infer<typeof ClientDocument>, jwks: Client['jwks']): Client => ({
  client_id: document.client_id,
  name: claimedName(document.client_name),
  redirect_uris: document.redirect_uris,
  kind: 'document',
  token_endpoint_auth_method: document.token_endpoint_auth_method,
  jwks,
})

/** A private or symmetric key (RFC 7518 section 6): whoever publishes one has no key any more. */
const isSecret = (key: Readonly<Record<string, unknown>>): boolean =>
  ['d', 'k', 'p', 'q'].some((member) => member in key)

/** Statuses below 500 that a firewall or a limit in front of a host gives to programs it does not know, for a while. */
const TURNED_AWAY: readonly (number | null)[] = [401, 403, 408, 425, 429]

/**
 * What the host answers for good is a judgement; what may be otherwise in a minute is none: a client that is told invalid_client forgets
 * its registration and its tokens.
 */
function refusalOf(error: FetchFailed): Refusal {
  const { kind, status } = error
  const passing =
    kind === 'network' || kind === 'timeout' || TURNED_AWAY.includes(status) || (status !== null && status >= 500)
  return new Refusal(passing ? 'provider_unavailable' : 'client_invalid', { cause: error, detail: error.message })
}

/** Milliseconds: the shortest that any of the answers allows (RFC 9111 section 5.2.2), within bounds. */
function lifeOf(answers: readonly Fetched<unknown>[], keys: boolean): number {
  const ages = answers.map(({ headers }) => {
    const control = headers.get('cache-control') ?? ''
    if (/\bno-(?:store|cache)\b/i.test(control)) return 0
    return Number(/\bmax-age=(\d{1,9})\b/i.exec(control)?.[1] ?? 0) * 1000
  })
  return Math.min(Math.max(Math.min(...ages), TTL.least), keys ? TTL_WITH_KEYS : TTL.most)
}
