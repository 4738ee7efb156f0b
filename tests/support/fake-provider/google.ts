import { randomUUID } from 'node:crypto'
import type { Clock } from '#base/clock.ts'
import { seconds } from '#base/clock.ts'
import { addIssuer, bearerOf, type Claims, type FakeIssuer } from './issuer.ts'
import type { Answer, FakeServer } from './server.ts'

/** Google-shaped. Endpoints: `google/jwks`, `google/tokeninfo`, `google/userinfo`. `sign` makes ID tokens. */
export interface FakeGoogle extends FakeIssuer {
  /**
   * A `ya29.` access token. `tokeninfo` answers strings for everything, as the real one does, and no `hd`; `userinfo`
   * answers sub, email, email_verified, hd, name, picture. `info` and `user` change either.
   */
  grant(person: GooglePerson, change?: { readonly info?: Claims; readonly user?: Claims }): string
  revoke(token: string): void
}

interface GooglePerson {
  readonly aud: string
  readonly sub: string
  readonly email?: string
  readonly email_verified?: boolean
  readonly hd?: string
  readonly name?: string
}

export function addGoogle(server: FakeServer, clock: Clock): FakeGoogle {
  const issuer = addIssuer(server, clock, {
    path: 'google',
    iss: 'https://accounts.google.com',
    jwksPath: '/oauth2/v3/certs',
    algorithm: 'RS256',
  })
  const granted = new Map<string, { info: Claims; user: Claims }>()

  server.route('POST', '/tokeninfo', 'google/tokeninfo', (question): Answer => {
    const found = granted.get(bearerOf(question))
    return found === undefined
      ? { status: 400, body: { error: 'invalid_token', error_description: 'Invalid Value' } }
      : { status: 200, body: found.info }
  })
  server.route('GET', '/v1/userinfo', 'google/userinfo', (question): Answer => {
    const found = granted.get(bearerOf(question))
    return found === undefined ? { status: 401, body: { error: 'invalid_request' } } : { status: 200, body: found.user }
  })

  return {
    ...issuer,
    grant({ aud, hd, name, ...person }, change = {}) {
      const token = `ya29.${randomUUID()}`
      const exp = String(seconds(clock) + 3599)
      const scope =
        'openid https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/userinfo.profile'
      const email = {
        email: person.email,
        email_verified: person.email === undefined ? undefined : (person.email_verified ?? true),
      }
      granted.set(token, {
        info: {
          azp: aud,
          aud,
          sub: person.sub,
          scope,
          exp,
          expires_in: '3599',
          email: email.email,
          email_verified: email.email_verified === undefined ? undefined : String(email.email_verified),
          access_type: 'offline',
          ...change.info,
        },
        user: { sub: person.sub, ...email, hd, name, ...change.user },
      })
      return token
    },
    revoke: (token) => void granted.delete(token),
  }
}
