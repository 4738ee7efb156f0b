import type { ConfigReader } from './config-reader.ts'
import { isHostName } from './config-values.ts'

/** Which applications may have people sign in here, and where people may be sent back to (D26, D27). */
export interface LoginConfig {
  /** `auto`: broker when a configured provider can sign people in, else direct. */
  readonly mode: 'auto' | 'broker' | 'direct'
  /** Lower case, without the colon. */
  readonly redirectSchemes: readonly string[]
  /** client_id URLs, redirect hosts, `localhost` for this computer, `scheme:`; empty: all may. */
  readonly allowedClients: readonly string[]
  /** Hosts, lower case; names beneath them are blocked as well. */
  readonly blockedHosts: readonly string[]
  readonly requireResource: boolean
}

/** RFC 3986 section 3.1, in lower case. */
const SCHEME = /^[a-z][a-z0-9+.-]{1,63}$/
/** Schemes that are no application's own: what they open runs script, reads files or leaves the browser in ways that no redirect should. */
const DANGEROUS =
  /^(?:https?|wss?|ftp|file|filesystem|blob|data|javascript|vbscript|about|view-source|chrome|(?:chrome|moz)-extension|resource|jar|intent|mailto|tel|sms|ms-[a-z-]+|search-ms|ssh|telnet|ldap|smb)$/

export function readSignIn(reader: ConfigReader): LoginConfig {
  return {
    mode: reader.choice('LOGIN', ['auto', 'broker', 'direct'], 'auto'),
    redirectSchemes: readSchemes(reader),
    allowedClients: reader
      .listOf(
        'LOGIN_ALLOWED_CLIENTS',
        isAllowedClient,
        'must be https URLs, host names, `localhost` or schemes such as `cursor:`',
      )
      .map((client) => (client.includes('/') ? client : client.toLowerCase())),
    blockedHosts: reader
      .listOf('LOGIN_BLOCKED_HOSTS', isHostName, 'must be host names, without scheme, port or path')
      .map((host) => host.toLowerCase()),
    requireResource: reader.flag('LOGIN_REQUIRE_RESOURCE', true),
  }
}

function readSchemes(reader: ConfigReader): readonly string[] {
  if (!reader.has('LOGIN_REDIRECT_SCHEMES')) return ['cursor']
  if (reader.text('LOGIN_REDIRECT_SCHEMES')?.toLowerCase() === 'none') return []
  const isOwn = (scheme: string): boolean => SCHEME.test(scheme.toLowerCase()) && !DANGEROUS.test(scheme.toLowerCase())
  return reader
    .listOf('LOGIN_REDIRECT_SCHEMES', isOwn, "must be applications' own schemes without a colon, for example cursor")
    .map((scheme) => scheme.toLowerCase())
}

const isAllowedClient = (text: string): boolean =>
  /^[a-z][a-z0-9+.-]+:$/i.test(text) ||
  isHostName(text) ||
  (text.startsWith('https://') && URL.canParse(text) && new URL(text).href === text)
