import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { connect, TLSSocket } from 'node:tls'
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
  return [...secrecy(own, clock.now()), ...(await oldTls(url)), await host(url, ca)]
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

/** RFC 8996: TLS 1.0 and 1.1 must not be spoken any more. Certificates are not judged again: nothing is sent but the beginning of a handshake. */
async function oldTls(url: URL): Promise<readonly Finding[]> {
  if (url.protocol !== 'https:') return []
  const target = bareHost(url)
  const spoken = await new Promise<string | null>((resolve) => {
    const socket = connect({
      host: target,
      port: url.port === '' ? 443 : Number(url.port),
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      // The library refuses these versions at its usual level.
      ciphers: 'DEFAULT@SECLEVEL=0',
      rejectUnauthorized: false,
      ...(isIP(target) === 0 ? { servername: target } : {}),
    })
    const end = (version: string | null): void => {
      socket.destroy()
      resolve(version)
    }
    socket.once('secureConnect', () => end(socket.getProtocol()))
    socket.once('error', () => end(null))
    socket.setTimeout(PATIENCE, () => end(null))
  })
  return [
    spoken === null
      ? ok('tls', 'versions before 1.2 are refused')
      : warning('tls', `${spoken} is accepted, which RFC 8996 forbids: turn it off where TLS ends`),
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
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const hint = HINTS[code]
  return `${error.message}${code === '' ? '' : ` (${code})`}${hint === undefined ? '' : `: ${hint}`}`
}

/** What an operator can do, by the code of Node or OpenSSL. */
const HINTS: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the server must send its intermediate certificates too',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the server must send its intermediate certificates too',
  CERT_HAS_EXPIRED: 'renew it',
  CERT_NOT_YET_VALID: 'the clock of this machine, or the certificate, is wrong',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for other names',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'clients refuse it; use one of a public authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'clients refuse it; use one of a public authority',
}
