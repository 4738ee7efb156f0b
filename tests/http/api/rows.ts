import type { Role, World } from './support.ts'

/** What one call is made with. */
export interface Given {
  /** In the place of the path's names, in order. */
  readonly path?: readonly string[]
  readonly query?: string
  readonly body?: unknown
}

/** How one operation of the API must behave. */
export interface Row {
  /** Who is served; to the others it is `refused` (default 403). */
  readonly serves: readonly Role[]
  readonly refused?: 403 | 404
  /** A call that works, on something of acme_test that this call may change; made anew each time. */
  readonly good: (world: World) => Promise<Given>
  /** Bad input: the query or the body, and the parameter or pointer that must be named. */
  readonly bad: readonly (readonly [Given, string])[]
  /** The same on what is globex_test's, and on what never was; only for what has a name in its path. */
  readonly foreign?: (world: World) => Promise<readonly [Given, Given]>
}

const everybody: readonly Role[] = ['owner', 'admin', 'member', 'viewer', 'key']
const admins: readonly Role[] = ['owner', 'admin', 'key']
/** Admins in person: no key invites, makes keys or turns to another's. */
const people: readonly Role[] = ['owner', 'admin']
const owner: readonly Role[] = ['owner']

const NEVER = '0190a000-0000-7000-8000-00000000dead'
const nothing = async (): Promise<Given> => ({})
const list: Row['bad'] = [
  [{ query: 'limit=0' }, 'limit'],
  [{ query: 'limit=101' }, 'limit'],
  [{ query: 'cursor=none-of-ours' }, 'cursor'],
  [{ query: 'nope=1' }, 'nope'],
]
const noInput: Row['bad'] = [[{ query: 'nope=1' }, 'nope']]
const noBody: Row['bad'] = [[{ body: { nope: 1 } }, '#/nope']]

const foreign =
  (own: (world: World) => Promise<string>, never: string, body?: unknown) =>
  async (world: World): Promise<readonly [Given, Given]> => [
    { path: [await own(world)], body },
    { path: [never], body },
  ]

const aDomain = async (world: World): Promise<Given> => ({ path: [await world.domain('acme_test')] })
const aMember = async (world: World): Promise<Given> => ({ path: [await world.newcomer()] })
const anInvitation = async (world: World): Promise<Given> => ({ path: [await world.invitation('acme_test')] })
const aKey = async (world: World): Promise<Given> => ({ path: [(await world.key('acme_test')).id] })

const domainOf = async (world: World): Promise<string> => await world.domain('globex_test')
const memberOf = async (world: World): Promise<string> => world.stranger
const invitationOf = async (world: World): Promise<string> => await world.invitation('globex_test')
const keyOf = async (world: World): Promise<string> => (await world.key('globex_test')).id

/** One row for every operation. */
export const ROWS: Readonly<Record<string, Row>> = {
  whoami: { serves: everybody, good: nothing, bad: noInput },

  get_tenant: { serves: everybody, good: nothing, bad: noInput },
  update_tenant: {
    serves: admins,
    good: async () => ({ body: { name: 'Acme' } }),
    bad: [
      [{ body: {} }, '#/name'],
      [{ body: { name: '' } }, '#/name'],
      [{ body: { name: 'a\nb' } }, '#/name'],
      [{ body: { name: 'x', slug: 'other' } }, '#/slug'],
    ],
  },
  get_tenant_settings: { serves: admins, good: nothing, bad: noInput },
  update_tenant_settings: {
    serves: owner,
    good: async () => ({ body: { operator_access: false } }),
    bad: [[{ body: { mcp_admin: 'yes' } }, '#/mcp_admin']],
  },
  get_tenant_tools: { serves: admins, good: nothing, bad: noInput },
  update_tenant_tools: {
    serves: admins,
    good: async () => ({ body: { off: ['delete_todo'], on: [] } }),
    bad: [
      [{ body: { off: 'whoami' } }, '#/off'],
      [{ body: { off: ['no_such_tool'] } }, '#/off'],
      [{ body: { on: ['no_such_tool'] } }, '#/on'],
      [{ body: { off: ['whoami'], on: ['whoami'] } }, '#/on'],
      [{ body: { nope: 1 } }, '#/nope'],
    ],
  },
  ask_tenant_deletion: {
    serves: owner,
    good: async () => ({ body: { confirm: 'acme_test' } }),
    bad: [
      [{ body: {} }, '#/confirm'],
      [{ body: { confirm: 'globex_test' } }, '#/confirm'],
    ],
  },
  export_tenant: { serves: owner, good: nothing, bad: noInput },
  keep_tenant: { serves: owner, good: nothing, bad: noInput },

  list_domains: { serves: everybody, good: nothing, bad: list },
  claim_domain: {
    serves: admins,
    good: async (world) => ({ body: { domain: world.name('claim', 'com'), asserted_by: ['oidc'] } }),
    bad: [
      [{ body: {} }, '#/domain'],
      [{ body: { domain: 'a.com', join_mode: 'open' } }, '#/join_mode'],
      [{ body: { domain: 'a.com', asserted_by: [] } }, '#/asserted_by'],
    ],
  },
  get_domain: {
    serves: admins,
    good: aDomain,
    bad: noInput,
    foreign: foreign(domainOf, 'never-claimed.com'),
  },
  update_domain: {
    serves: admins,
    good: async (world) => ({ ...(await aDomain(world)), body: { join_mode: 'invite' } }),
    bad: [[{ path: ['acme.test'], body: { default_role: 'owner' } }, '#/default_role']],
    foreign: foreign(domainOf, 'never-claimed.com', { join_mode: 'invite' }),
  },
  remove_domain: {
    serves: admins,
    good: aDomain,
    bad: noInput,
    foreign: foreign(domainOf, 'never-claimed.com'),
  },
  check_domain: {
    serves: admins,
    good: aDomain,
    bad: noBody,
    foreign: foreign(domainOf, 'never-claimed.com'),
  },

  list_members: { serves: admins, good: nothing, bad: list },
  get_member: { serves: admins, good: aMember, bad: noInput, foreign: foreign(memberOf, NEVER) },
  set_member_role: {
    serves: admins,
    good: async (world) => ({ ...(await aMember(world)), body: { role: 'viewer' } }),
    bad: [
      [{ path: ['dan@acme.test'], body: { role: 'service' } }, '#/role'],
      [{ path: ['dan@acme.test'], body: {} }, '#/role'],
    ],
    foreign: foreign(memberOf, NEVER, { role: 'viewer' }),
  },
  remove_member: { serves: admins, good: aMember, bad: noInput, foreign: foreign(memberOf, NEVER) },
  revoke_member_tokens: { serves: admins, good: aMember, bad: noBody, foreign: foreign(memberOf, NEVER) },

  list_invitations: { serves: admins, good: nothing, bad: list },
  get_invitation: {
    serves: admins,
    good: anInvitation,
    bad: noInput,
    foreign: foreign(invitationOf, NEVER),
  },
  invite_member: {
    serves: people,
    good: async (world) => ({ body: { email: `${world.name('guest')}@example.com` } }),
    bad: [
      [{ body: {} }, '#/email'],
      [{ body: { email: 'a@example.com', role: 'service' } }, '#/role'],
      [{ body: { email: 'a@example.com', expires_in: 59 } }, '#/expires_in'],
    ],
  },
  resend_invitation: {
    serves: people,
    good: anInvitation,
    bad: [[{ body: { expires_in: '1d' } }, '#/expires_in']],
    foreign: foreign(invitationOf, NEVER),
  },
  revoke_invitation: {
    serves: admins,
    good: anInvitation,
    bad: noInput,
    foreign: foreign(invitationOf, NEVER),
  },

  list_requests: { serves: admins, good: nothing, bad: list },
  approve_request: {
    serves: admins,
    good: async (world) => ({ path: [await world.asker()] }),
    bad: [[{ body: { role: 'service' } }, '#/role']],
    foreign: foreign(memberOf, NEVER),
  },
  decline_request: {
    serves: admins,
    good: async (world) => ({ path: [await world.asker()] }),
    bad: noBody,
    foreign: foreign(memberOf, NEVER),
  },

  list_api_keys: { serves: everybody, good: nothing, bad: list },
  create_api_key: {
    serves: ['owner', 'admin', 'member', 'viewer'],
    good: async () => ({ body: { name: 'ci', scopes: ['projects:read'] } }),
    bad: [
      [{ body: {} }, '#/name'],
      [{ body: { name: 'ci', scopes: [] } }, '#/scopes'],
      [{ body: { name: 'ci', expires_at: 'tomorrow' } }, '#/expires_at'],
      [{ body: { name: 'ci', requests_per_hour: 0 } }, '#/requests_per_hour'],
    ],
  },
  get_api_key: { serves: admins, refused: 404, good: aKey, bad: noInput, foreign: foreign(keyOf, 'NeverMade123') },
  update_api_key: {
    serves: people,
    refused: 404,
    good: async (world) => ({ ...(await aKey(world)), body: { name: 'other' } }),
    bad: [[{ body: { cidrs: '10.0.0.0/8' } }, '#/cidrs']],
    foreign: foreign(keyOf, 'NeverMade123', { name: 'other' }),
  },
  revoke_api_key: { serves: admins, refused: 404, good: aKey, bad: noInput, foreign: foreign(keyOf, 'NeverMade123') },
  rotate_api_key: {
    serves: people,
    refused: 404,
    good: async (world) => ({ ...(await aKey(world)), body: { overlap: 0 } }),
    bad: [[{ body: { overlap: -1 } }, '#/overlap']],
    foreign: foreign(keyOf, 'NeverMade123'),
  },
  adopt_api_key: { serves: owner, good: aKey, bad: noBody, foreign: foreign(keyOf, 'NeverMade123') },
  validate_api_key: {
    serves: everybody,
    good: async (world) => ({ body: { key: (await world.key('acme_test')).key } }),
    bad: [[{ body: {} }, '#/key']],
  },
  get_api_key_usage: {
    serves: admins,
    refused: 404,
    good: aKey,
    bad: [[{ query: 'step=week' }, 'step']],
    foreign: foreign(keyOf, 'NeverMade123'),
  },

  list_audit_entries: {
    serves: admins,
    good: nothing,
    bad: [...list, [{ query: 'outcome=good' }, 'outcome'], [{ query: 'since=yesterday' }, 'since']],
  },
  export_audit: {
    serves: admins,
    good: async () => ({ query: 'format=ndjson&source=admin' }),
    bad: [[{ query: 'format=xlsx' }, 'format']],
  },

  get_usage: { serves: everybody, good: nothing, bad: [[{ query: 'since=1' }, 'since']] },
  get_limits: { serves: everybody, good: nothing, bad: noInput },
}
