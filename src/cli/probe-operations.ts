import { isIP } from 'node:net'
import { bareHost, isLoopbackHost, isPublicAddress } from '#base/address.ts'
import type { GuardedFetch } from '#base/fetch.ts'
import { isRecord } from '#identity/json.ts'
import { failed, ok, warning, type Finding } from './finding.ts'
import { noAnswer, PROBE } from './probe-request.ts'

interface OperationsOptions {
  readonly fetch: GuardedFetch
  /** null: look as a stranger. */
  readonly metricsToken?: string | null
}

/** Nobody has it (RFC 5737): a server that takes us for it believes what anybody writes. */
const FORGED = '192.0.2.77'
/** Every header in which proxies name a client. */
const FORGERY = {
  'x-forwarded-for': FORGED,
  'x-real-ip': FORGED,
  'fly-client-ip': FORGED,
  'cf-connecting-ip': FORGED,
  'true-client-ip': FORGED,
  'x-client-ip': FORGED,
  forwarded: `for=${FORGED}`,
} as const

/** Is it ready, does it keep its figures from strangers, and whom does it take the client for? */
export async function probeOperations(
  url: URL,
  { fetch, metricsToken = null }: OperationsOptions,
): Promise<readonly Finding[]> {
  const ask = async (path: string, headers: Readonly<Record<string, string>>): Promise<Response> =>
    await fetch.raw(`${url.origin}${path}`, { headers: { ...PROBE, ...headers } })
  try {
    const ready = await ask('/readyz', {})
    // On this machine a program without a proxy in front is an operator: as if there were one.
    const figures = await ask('/metrics', { 'x-forwarded-for': FORGED })
    return [
      readiness(ready.status),
      figures.ok
        ? failed('metrics', '/metrics is answered without a token: everybody can read it')
        : ok('metrics', `a stranger is not shown /metrics (${figures.status})`),
      ...(metricsToken === null ? [] : [await clientSeen(url, metricsToken, ask)]),
    ]
  } catch (error) {
    return [noAnswer('ready', error)]
  }
}

function readiness(status: number): Finding {
  if (status === 200) return ok('ready', '/readyz answers 200')
  if (status === 503)
    return failed('ready', '/readyz answers 503: the database is away, not migrated, or the server is stopping')
  return warning('ready', `/readyz answers ${status}: no server of this kind, or a proxy in front keeps it away`)
}

async function clientSeen(
  url: URL,
  token: string,
  ask: (path: string, headers: Readonly<Record<string, string>>) => Promise<Response>,
): Promise<Finding> {
  const seen = async (more: Readonly<Record<string, string>>): Promise<Record<string, unknown> | null> => {
    const body: unknown = await (await ask('/readyz', { ...more, authorization: `Bearer ${token}` })).json()
    return isRecord(body) && isRecord(body['client']) ? body['client'] : null
  }
  const honest = await seen({})
  if (honest === null) return failed('client address', 'it tells nothing: METRICS_TOKEN is not the one of this server')
  const [address, peer] = [String(honest['address']), String(honest['peer'])]
  const told = `it took this request for one of ${address}, over a connection from ${peer}`
  const forged = await seen(FORGERY)
  if (forged?.['address'] === FORGED)
    return failed(
      'client address',
      `${told}; and a header that anybody can send made it ${FORGED}. Narrow TRUST_PROXY, or name the header of your proxy in CLIENT_IP_HEADER`,
    )
  const local = isLoopbackHost(bareHost(url)) || (isIP(bareHost(url)) !== 0 && !isPublicAddress(bareHost(url)))
  if (!local && !isPublicAddress(address))
    return warning(
      'client address',
      `${told}: that is a proxy. Put its network into TRUST_PROXY, and its header into CLIENT_IP_HEADER`,
    )
  return ok('client address', told)
}
