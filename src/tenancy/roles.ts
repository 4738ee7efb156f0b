import { ROLES, type Role } from './tenant.ts'

/** What a person can be; `service` is a key's principal and has no scopes of its own. */
export type PersonRole = Exclude<Role, 'service'>

/** What `*` never covers (D12). */
const PRIVILEGED = /^(?:audit|tenant|members|keys):/
/** What an admin has besides data scopes, and what an owner has besides that. */
const ADMIN: readonly string[] = ['tenant:admin', 'audit:read']
const OWNER = 'tenant:owner'
/** From the least to the most. */
const LADDER: readonly PersonRole[] = ['viewer', 'member', 'admin', 'owner']

export const isRole = (value: string): value is PersonRole =>
  value !== 'service' && ROLES.some((role) => role === value)

/** The lesser of two roles: what a key may do is cut by what its creator may do (D23). */
export const lesser = (a: PersonRole, b: PersonRole): PersonRole => (LADDER.indexOf(a) < LADDER.indexOf(b) ? a : b)

/** What scopes there are, who has which, and what a token or a key leaves of them. */
export interface Scopes {
  /** Data scopes: those of the tools that `*` covers. */
  readonly data: ReadonlySet<string>
  /** Everything a role can have. */
  readonly all: ReadonlySet<string>
  /** `write` implies `read` and both are listed. */
  ofRole(role: PersonRole): ReadonlySet<string>
  /** A list as written in a token or key: `*` becomes the data scopes, `x:write` brings `x:read`. Unknown ones stay and give nothing. */
  expand(scopes: readonly string[]): ReadonlySet<string>
  /**
   * The role's scopes cut by the token's and the key's; null: does not cut. Never more than the role's.
   * An empty list leaves nothing.
   */
  effective(role: PersonRole, token: readonly string[] | null, key: readonly string[] | null): ReadonlySet<string>
}

/** @param known the scopes of all loaded tools, data and privileged ones. */
export function createScopes(known: readonly string[]): Scopes {
  const data = new Set(known.filter((scope) => !PRIVILEGED.test(scope)).flatMap(withRead))
  const privileged = known.filter((scope) => PRIVILEGED.test(scope) && scope !== OWNER)
  const viewer = new Set([...data].filter((scope) => scope.endsWith(':read')))
  const admin = new Set([...data, ...ADMIN, ...privileged])
  const roles: Readonly<Record<PersonRole, ReadonlySet<string>>> = {
    viewer,
    member: data,
    admin,
    owner: new Set([...admin, OWNER]),
  }
  const expand = (scopes: readonly string[]): ReadonlySet<string> =>
    new Set(scopes.flatMap((scope) => (scope === '*' ? [...data] : withRead(scope))))
  return {
    data,
    all: roles.owner,
    ofRole: (role) => roles[role],
    expand,
    effective(role, token, key) {
      let scopes = roles[role]
      for (const list of [token, key]) if (list !== null) scopes = intersection(scopes, expand(list))
      return scopes
    },
  }
}

const withRead = (scope: string): readonly string[] =>
  scope.endsWith(':write') ? [scope, `${scope.slice(0, -':write'.length)}:read`] : [scope]

const intersection = (a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> =>
  new Set([...a].filter((scope) => b.has(scope)))
