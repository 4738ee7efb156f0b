import { deriveKey } from '#base/derive.ts'

/** Our own client at the development issuer, so that the console works in the first minute; MCP clients register themselves. */
export const DEV_CLIENT_ID = 'gatehouse'

/** The same at every start, and nowhere written down. */
export const devClientSecret = (secret: string): string => deriveKey(secret, 'development-client').toString('base64url')

/** Where it may send people back to. */
export const devClientRedirects = (publicUrl: string): string[] =>
  ['console', 'oauth'].map((room) => `${publicUrl}/${room}/callback/development`)
