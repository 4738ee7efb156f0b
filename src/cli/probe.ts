import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { bareHost, isLoopbackHost, isPublicAddress, urlOf } from '#base/address.ts'
import { isPublicUrl, type OutlookFacts } from '#base/client-outlook.ts'
import { systemClock, type Clock } from '#base/clock.ts'
import { createGuardedFetch, type GuardOptions } from '#base/fetch.ts'
import { examineName } from './examination-name.ts'
import { ok, warning, type Finding } from './finding.ts'
import { probeChallenge } from './probe-challenge.ts'
import { probeCors } from './probe-cors.ts'
import { probeIssuer } from './probe-issuer.ts'
import { probeMetadata } from './probe-metadata.ts'
import { probeOperations } from './probe-operations.ts'
import { probeTransport } from './probe-transport.ts'

/** What was seen of a deployment from outside. */
export interface Probed extends OutlookFacts {
  readonly findings: readonly Finding[]
  /** False: nothing answers there, so that nothing can be said of clients. */
  readonly reached: boolean
}

/** `clock`, `ca` and `connect` are handed in by tests only: what stands for the certificate authorities of the system. */
export interface ProbeParts {
  readonly clock: Clock
  readonly ca?: string
  readonly connect?: GuardOptions['dispatcherConnect']
  /** Of an operator who asked for it: shown to the deployment and to nobody else. */
  readonly metricsToken?: string | null
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
export async function probe(url: string, parts: ProbeParts = { clock: systemClock }): Promise<Probed> {
  const at = new URL(url)
  const connect = parts.connect === undefined ? {} : { dispatcherConnect: parts.connect }
  const here = createGuardedFetch({ allowPrivate: true, ...connect })
  const there = createGuardedFetch({ allowPrivate: await isPrivate(bareHost(at)), ...connect })
  try {
    const address = isPublicUrl(url)
      ? ok('address', url)
      : warning('address', `${url} is not public: clients of this machine or network only`)
    const name = await examineName(at.origin)
    const transport = await probeTransport(at, parts)
    if (transport.some(({ check, status }) => check === 'transport' && status === 'failed'))
      return { findings: [address, ...name, ...transport], url, issuer: null, broken: null, reached: false }
    const { findings: metadata, issuers } = await probeMetadata(url, here)
    const challenge = await probeChallenge(url, here)
    const asked = await Promise.all(
      issuers.slice(0, MOST_ISSUERS).map(async (issuer) => await probeIssuer(issuer, there)),
    )
    const signIn = [...metadata, ...challenge, ...(asked[0]?.findings ?? [])]
    return {
      findings: [
        address,
        ...name,
        ...transport,
        ...(await probeOperations(at, { ...parts, fetch: here })),
        ...metadata,
        ...challenge,
        ...asked.flatMap(({ findings }) => findings),
        ...(await probeCors(url, here)),
      ],
      url,
      issuer: asked[0]?.facts ?? null,
      broken: signIn.some(({ status }) => status === 'failed')
        ? 'sign-in cannot work before what failed is mended'
        : null,
      reached: true,
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
