import { hkdfSync } from 'node:crypto'

/** What a derived key is for. A key of one purpose is of no use for another (D25). */
export type Purpose =
  | 'database-app-password'
  | 'tenant-login-password'
  | 'audit'
  | 'request-state'
  | 'service-token'
  | 'registration'
  | 'flow'
  | 'code'
  | 'refresh'
  | 'consent'
  | 'remembered-consent'
  | 'csrf'
  | 'session'
  | 'invitation'
  | 'see-as'
  | 'development-client'
  | 'tenant-backup'
  | 'upstream-credentials'
  | 'news'

/**
 * A 32-byte key for one purpose, derived from one secret of SESSION_SECRET (HKDF-SHA-256, RFC 5869).
 * @param context binds the key further, for example to a tenant's schema; '' when there is nothing to bind.
 */
export function deriveKey(secret: string, purpose: Purpose, context = ''): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'gatehouse/v1', `${purpose}\0${context}`, 32))
}
