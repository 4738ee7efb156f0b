import { tokenRevocation } from 'openid-client'
import { guardFor } from './guard.ts'
import { issuerOf } from './issuer.ts'
import type { Login } from './login-record.ts'
import type { Store } from './store.ts'
import { covers } from './target.ts'

/** A login that is gone from this machine. */
export interface LoggedOut {
  readonly login: Login
  /** Did the issuer take its tokens back, too (RFC 7009)? null: it offers no such thing. */
  readonly revoked: boolean | null
}

/** Removes every login of this server from this machine, and asks the issuers to end them; one that cannot be asked changes nothing. */
export async function logout(url: URL, store: Store): Promise<readonly LoggedOut[]> {
  const logins = (await store.all()).filter(({ resource }) => covers(resource, url))
  const done: LoggedOut[] = []
  for (const login of logins) {
    await store.alone(login, async () => await store.remove(login))
    done.push({ login, revoked: await revoked(login, url) })
  }
  await store.saveMissing(url, [])
  return done
}

async function revoked(login: Login, url: URL): Promise<boolean | null> {
  const { issuer, token_endpoint, revocation_endpoint, refresh_token, access_token } = login
  if (revocation_endpoint === null) return null
  const fetch = await guardFor(url)
  try {
    const at = issuerOf({ issuer, token_endpoint, revocation_endpoint }, login, fetch)
    if (refresh_token !== null) await tokenRevocation(at, refresh_token, { token_type_hint: 'refresh_token' })
    await tokenRevocation(at, access_token, { token_type_hint: 'access_token' })
    return true
  } catch {
    return false
  } finally {
    await fetch.close()
  }
}
