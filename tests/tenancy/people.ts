/** Who asks, and when: what tests need that open no database. */
import type { Clock } from '#base/clock.ts'
import type { Identity } from '#identity/identity.ts'

/** Time that moves when told to. It starts at the present, as Postgres has its own. */
export class MovedClock implements Clock {
  #ahead = 0
  now(): number {
    return Date.now() + this.#ahead
  }
  advance(milliseconds: number): void {
    this.#ahead += milliseconds
  }
}

/** Someone whose company's own issuer vouches for them now. */
export function person(email: string | null, overrides: Partial<Identity> = {}): Identity {
  return {
    provider: 'oidc',
    iss: 'https://issuer.test',
    sub: email ?? 'nobody',
    client_id: 'client',
    scopes: null,
    exp: Math.floor(Date.now() / 1000) + 3600,
    iat: Math.floor(Date.now() / 1000) - 10,
    email,
    email_verified: email !== null,
    email_authority: email === null ? 'none' : 'live',
    name: null,
    picture: null,
    organization: null,
    key: null,
    tenant: null,
    claims: {},
    ...overrides,
  }
}

export const keyIdentity = (id: string, tenant: string): Identity =>
  person(null, { provider: 'api-key', iss: 'https://gatehouse.test', sub: id, key: { id, tenant } })
