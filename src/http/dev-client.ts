import type { OidcConfig } from '#base/config.ts'
import { deriveKey } from '#base/derive.ts'

/** Our own client at the development issuer, so that the console works in the first minute; MCP clients register themselves. */
export const DEV_CLIENT_ID = 'gatehouse'

/** The same at every start, and nowhere written down. */
export const devClientSecret = (secret: string): string => deriveKey(secret, 'development-client').toString('base64url')

/** Where it may send people back to. */
export const devClientRedirects = (publicUrl: string): string[] =>
  ['console', 'oauth'].map((room) => `${publicUrl}/${room}/callback/development`)

/**
 * The development sign-in is an OpenID issuer like any other, authoritative for every address it asserts.
 * @param clientSecret of our own client there, with which the console signs people in; null: only tokens are judged.
 */
export const developmentIssuer = (publicUrl: string, clientSecret: string | null = null): OidcConfig => ({
  id: 'development',
  issuer: `${publicUrl}/dev`,
  audience: [`${publicUrl}/mcp`],
  login: clientSecret === null ? null : { clientId: DEV_CLIENT_ID, clientSecret },
  tokenUse: 'access_token',
  carriesScopes: false,
  domains: '*',
  tenant: null,
  organizationClaim: null,
  tenantIds: [],
  introspection: null,
  algorithms: ['ES256'],
})
