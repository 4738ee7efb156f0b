import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { bareHost, isLoopbackHost, isPublicAddress, urlOf } from '#base/address.ts'
import { isPublicUrl, type OutlookFacts } from '#base/client-outlook.ts'
import { createGuardedFetch } from '#base/fetch.ts'
import { ok, warning, type Finding } from './finding.ts'
import { probeChallenge } from './probe-challenge.ts'
import { probeCors } from './probe-cors.ts'
import { probeIssuer } from './probe-issuer.ts'
import { probeMetadata } from './probe-metadata.ts'
import { probeTransport } from './probe-transport.ts'

/** What was seen of a deployment from outside. */
export interface Probed extends OutlookFacts {
  readonly findings: readonly Finding[]
}

/** As many authorization servers are asked; no deployment names more. */
const MOST_ISSUERS = 8

/**
 * The MCP endpoint behind what a person typed: a bare address means its `/mcp`. null: no address that may be asked, because a token
 * would travel in the clear (http beyond this machine) or the URL has parts that none has.
 */
export function endpointOf(text: string): string | null {
  const url = urlOf(text)
  if (url === null || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return null
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(bareHost(url)))) return null
  // As typed, not as parsed: clients compare it with `resource` byte for byte. Only a bare address gets its path from us.
  return url.pathname === '/' ? `${url.origin}/mcp` : text
}

/**
 * Looks at a deployment as a client without a token does. Reads only; asks nothing of anybody but the deployment and the authorization
 * servers that it names, which must be public addresses unless the deployment itself is not.
 */
export async function probe(url: string): Promise<Probed> {
  const at = new URL(url)
  const here = createGuardedFetch({ allowPrivate: true })
  const there = createGuardedFetch({ allowPrivate: await isPrivate(bareHost(at)) })
  try {
    const address = isPublicUrl(url)
      ? ok('address', url)
      : warning('address', `${url} is not public: clients of this machine or network only`)
    const transport = await probeTransport(at)
    if (transport.some(({ check, status }) => check === 'transport' && status === 'failed'))
      return { findings: [address, ...transport], url, issuer: null }
    const { findings: metadata, issuers } = await probeMetadata(url, here)
    const challenge = await probeChallenge(url, here)
    const asked = await Promise.all(
      issuers.slice(0, MOST_ISSUERS).map(async (issuer) => await probeIssuer(issuer, there)),
    )
    const cors = await probeCors(url, here)
    return {
      findings: [
        address,
        ...transport,
        ...metadata,
        ...challenge,
        ...asked.flatMap(({ findings }) => findings),
        ...cors,
      ],
      url,
      issuer: asked[0]?.facts ?? null,
    }
  } finally {
    await Promise.all([here.close(), there.close()])
  }
}

/** Is it this machine or a private network? Then so may its authorization server be. A name that nobody knows is not. */
async function isPrivate(host: string): Promise<boolean> {
  if (isIP(host) !== 0) return !isPublicAddress(host)
  const found = await lookup(host, { all: true }).catch(() => [])
  return found.some(({ address }) => !isPublicAddress(address))
}
