import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { TLSSocket } from 'node:tls'
import { bareHost } from '#base/address.ts'
import { failed, ok, warning, type Finding } from './finding.ts'
import type { ProbeParts } from './probe.ts'
import { PROBE } from './probe-request.ts'

const DAY = 86_400_000
/** Milliseconds for one request. */
const PATIENCE = 5_000
/** A name that is nobody's (RFC 2606): what a page sees that has rebound its own name to this address. */
const STRANGER = 'gatehouse-probe.invalid'

interface Answer {
  readonly status: number
  readonly hsts: string | null
  readonly protocol: string | null
  /** Milliseconds since the epoch; null over plain http. */
  readonly certificateEnds: number | null
}

/** Can it be reached, by which TLS, for how long still, with HSTS; and does it refuse a Host that is not its own (DNS rebinding)? */
export async function probeTransport(
  url: URL,
  { clock, ca }: Pick<ProbeParts, 'clock' | 'ca'>,
): Promise<readonly Finding[]> {
  let own: Answer
  try {
    own = await knock(url, url.host, ca)
  } catch (error) {
    return [failed('transport', `cannot be reached: ${reason(error)}`)]
  }
  return [...secrecy(own, clock.now()), await host(url, ca)]
}

function secrecy({ protocol, certificateEnds, hsts }: Answer, now: number): readonly Finding[] {
  if (protocol === null || certificateEnds === null) return [ok('transport', 'plain http on this machine')]
  const days = Math.floor((certificateEnds - now) / DAY)
  const detail = `${protocol}, the certificate ends in ${days} days`
  return [
    days < 14 ? warning('transport', `${detail}: renew it`) : ok('transport', detail),
    // RFC 6797 section 6.1.1: an age of 0 turns it off.
    hsts === null || !/max-age="?[1-9]/i.test(hsts)
      ? warning('hsts', 'no Strict-Transport-Security: a browser’s first visit may go over http')
      : ok('hsts', hsts),
  ]
}

async function host(url: URL, ca: string | undefined): Promise<Finding> {
  try {
    const { status } = await knock(url, STRANGER, ca)
    return status < 300
      ? failed(
          'host',
          `a request for ${STRANGER} is served: a page that rebinds its name can ask it. Check ALLOWED_HOSTS`,
        )
      : ok('host', `a request for another host is not served (${status})`)
  } catch {
    return ok('host', 'a request for another host gets no answer')
  }
}

/**
 * One GET with a Host of our choice, which the guarded fetch cannot send: it would ask for a certificate of that name too. The address is
 * the one a person typed; certificates are judged as always.
 */
async function knock(url: URL, host: string, ca: string | undefined): Promise<Answer> {
  const target = bareHost(url)
  const options = {
    host: target,
    port: url.port === '' ? undefined : Number(url.port),
    path: '/.well-known/oauth-protected-resource',
    headers: { ...PROBE, host },
    agent: false,
    signal: AbortSignal.timeout(PATIENCE),
    ...(isIP(target) === 0 ? { servername: target } : {}),
    ...(ca === undefined ? {} : { ca }),
  } as const
  return await new Promise((resolve, reject) => {
    const asked = (url.protocol === 'https:' ? httpsRequest : httpRequest)(options, (response: IncomingMessage) => {
      const { socket } = response
      const secure = socket instanceof TLSSocket ? socket : null
      resolve({
        status: response.statusCode ?? 0,
        hsts: response.headers['strict-transport-security'] ?? null,
        protocol: secure?.getProtocol() ?? null,
        certificateEnds: secure === null ? null : Date.parse(secure.getPeerCertificate().valid_to),
      })
      response.destroy()
    })
    asked.on('error', reject)
    asked.end()
  })
}

const reason = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? `${error.message} (${error.code})` : error.message
}
