import type { Config } from '#base/config.ts'
import { deriveKey } from '#base/derive.ts'
import { appRole } from './names.ts'
import type { Login } from './pool.ts'

/**
 * Whom the pool logs in as at a Postgres server (D17): the role made at bootstrap, with DATABASE_APP_PASSWORD or a password that every replica
 * with the same SESSION_SECRET derives for itself; with DATABASE_APP_ROLE=off the URL's own user.
 */
export function appLogin(
  { appRole: own, appPassword, slugPrefix }: Config['database'],
  secret: string,
): { readonly user: string; readonly password: string } | null {
  if (!own) return null
  return {
    user: appRole(slugPrefix),
    password: appPassword ?? deriveKey(secret, 'database-app-password').toString('base64url'),
  }
}

export const asApp = (url: string, login: ReturnType<typeof appLogin>): Login =>
  login === null ? { url } : { url, ...login }
