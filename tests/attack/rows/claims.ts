import { expect } from 'vitest'
import { presented, says, metadataOf, type Expected, type Row } from '../answers.ts'
import { alice, AUDIENCE, CLIENT, type World } from '../world.ts'

/** security.md 3c: what a token claims. */
const claiming = (
  id: string,
  what: string,
  claims: (world: World) => Record<string, unknown>,
  answer: Expected = 'A1',
  also?: Row['also'],
): Row =>
  presented(id, what, answer, (world) => world.token({ claims: claims(world) }), also === undefined ? {} : { also })

/** The same, where JSON.stringify would not write it. */
const texted = (
  id: string,
  what: string,
  text: (world: World) => string,
  answer: Expected = 'A1',
  also?: Row['also'],
): Row =>
  presented(
    id,
    what,
    answer,
    (world) =>
      world.forged(
        { alg: 'RS256', kid: 'good' },
        `${JSON.stringify({ ...alice(world.main.iss), aud: AUDIENCE, iat: world.now() }).slice(0, -1)},${text(world)}}`,
      ),
    also === undefined ? {} : { also },
  )

const later = (world: World): number => world.now() + 3600
const json = (value: unknown): string => JSON.stringify(value)
/** What whoami says of the role: what the tenant gave, whatever the token says. */
const isMember = says('"role":"member"')
const isUnpolluted: Row['also'] = async (answer, world) => {
  expect('polluted' in {}).toBe(false)
  await isMember(answer, world)
}

const scopedToken = async (world: World, claims: Record<string, unknown>): Promise<string> =>
  await world.scoped.sign({ ...alice(world.scoped.iss), aud: AUDIENCE, ...claims })

const listing = (what: string, claims: Record<string, unknown>, refused: boolean): Row => ({
  id: 'C19',
  what,
  answer: refused ? 'A3' : 'served',
  send: async (world) => {
    const answer = await fetch(world.server.mcp, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${await scopedToken(world, claims)}`,
      },
      body: json({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list_projects', arguments: {} } }),
    })
    return { status: answer.status, headers: answer.headers, text: await answer.text() }
  },
  also: ({ headers }, world) => {
    if (refused)
      expect(headers.get('www-authenticate')).toBe(
        `Bearer error="insufficient_scope", error_description="The access token lacks a scope that this call needs.", scope="projects:read", resource_metadata="${metadataOf(world)}"`,
      )
  },
})

export const claims: readonly Row[] = [
  claiming('C1', 'iss with a trailing slash', ({ main }) => ({ iss: `${main.iss}/` })),
  claiming('C1', 'iss in upper case', ({ main }) => ({ iss: main.iss.toUpperCase() })),
  claiming('C1', 'iss in a list', ({ main }) => ({ iss: [main.iss] })),
  claiming('C1', 'no iss', () => ({ iss: undefined })),
  claiming('C1', 'an empty iss', () => ({ iss: '' })),
  claiming('C1', 'iss with a space behind', ({ main }) => ({ iss: `${main.iss} ` })),
  claiming('C1', 'iss before an @', ({ main, attacker }) => ({ iss: `${main.iss}@${new URL(attacker.url).host}` })),
  claiming('C1', 'iss spelt with percent', ({ main }) => ({ iss: main.iss.replace('main', '%6dain') })),
  claiming('C1', 'iss is __proto__', () => ({ iss: '__proto__' })),
  claiming('C2', 'iss of the attacker', ({ attacker }) => ({ iss: attacker.url })),
  claiming('C2', 'iss of the attacker with our issuer as path', ({ attacker, main }) => ({
    iss: `${attacker.url}/${main.iss}`,
  })),
  claiming('C2', 'iss of nobody', () => ({ iss: 'https://unknown.example' })),
  claiming('C2', 'iss of a provider that is not configured', () => ({ iss: 'https://acme.eu.auth0.com/' })),
  ...(
    [
      ['missing', undefined],
      ['an empty list', []],
      ['empty', ''],
      ['another', 'https://other.test/mcp'],
      ['with more behind', `${AUDIENCE}/x`],
      ['with less', AUDIENCE.slice(0, -1)],
      ['with a trailing slash', `${AUDIENCE}/`],
      ['in another case', AUDIENCE.toUpperCase()],
      ['an object', { aud: AUDIENCE }],
      ['a list in a list', [[AUDIENCE]]],
      ['a list with a number', [AUDIENCE, 1]],
      ['null', null],
      ['several in one string', `${AUDIENCE} https://other.test`],
      ['an asterisk', '*'],
    ] as const
  ).map(([what, aud]) => claiming('C4', `aud ${what}`, () => ({ aud }))),
  claiming('C5', 'aud holds us and another', () => ({ aud: ['https://other.test', AUDIENCE] }), 'served'),
  claiming(
    'C5',
    'aud names our resource, whoever obtained it',
    () => ({ aud: AUDIENCE, azp: 'another-client' }),
    'served',
  ),
  claiming('C6', 'an ID token of our client', () => ({ aud: CLIENT, azp: CLIENT }), 'served'),
  claiming('C6', 'an ID token for us that another client obtained', () => ({ aud: [CLIENT, 'other'], azp: 'other' })),
  claiming('C6', 'azp is a list', () => ({ aud: CLIENT, azp: [CLIENT] })),
  claiming('C6', 'client_id is ours and aud is not', () => ({ aud: 'other', client_id: CLIENT })),
  texted('C7', 'no exp', () => '"x":1'),
  ...['"9999999999"', 'null', 'true', '[]', '{}'].map((exp) => texted('C8', `exp ${exp}`, () => `"exp":${exp}`)),
  texted('C9', 'exp 1e300', () => '"exp":1e300'),
  texted('C9', 'exp 1e999, which is Infinity', () => '"exp":1e999'),
  claiming('C9', 'exp in 25 hours', (world) => ({ exp: world.now() + 25 * 3600 })),
  claiming('C9', 'exp in 24 hours', (world) => ({ exp: world.now() + 24 * 3600 }), 'served'),
  texted('C10', 'exp with a fraction', (world) => `"exp":${later(world)}.5`, 'served'),
  ...['-1', '0', '-1e300'].map((exp) => texted('C11', `exp ${exp}`, () => `"exp":${exp}`)),
  claiming('C12', 'exp 30 seconds ago', (world) => ({ iat: world.now() - 600, exp: world.now() - 30 })),
  claiming('C12', 'exp 20 seconds ago', (world) => ({ iat: world.now() - 600, exp: world.now() - 20 }), 'served'),
  claiming('C13', 'nbf in a minute', (world) => ({ nbf: world.now() + 60 })),
  claiming('C13', 'nbf in 20 seconds', (world) => ({ nbf: world.now() + 20 }), 'served'),
  claiming('C13', 'nbf is a string', () => ({ nbf: '0' })),
  texted('C13', 'nbf is huge', (world) => `"nbf":1e300,"exp":${later(world)}`),
  texted('C13', 'nbf is -1e999, which is -Infinity', (world) => `"nbf":-1e999,"exp":${later(world)}`),
  claiming('C14', 'iat in a minute', (world) => ({ iat: world.now() + 60 })),
  claiming('C14', 'iat in 20 seconds', (world) => ({ iat: world.now() + 20 }), 'served'),
  claiming('C15', 'iat negative', () => ({ iat: -1 })),
  claiming('C15', 'iat is a string', (world) => ({ iat: String(world.now()) })),
  claiming('C15', 'no iat', () => ({ iat: undefined })),
  claiming('C15', 'iat after exp', (world) => ({ iat: world.now() + 10, exp: world.now() + 5 })),
  ...(
    [
      ['missing', undefined],
      ['a number', 1],
      ['null', null],
      ['empty', ''],
      ['of 256 characters', 'x'.repeat(256)],
      ['with NUL', 'alice\0'],
      ['with a line break', 'alice\nroot'],
      ['with ANSI', '\u001b[31malice'],
      ['with a bidi control', 'alice\u202e'],
      ['with half a surrogate pair', 'alice\ud800'],
      ['a list', ['alice']],
    ] as const
  ).map(([what, sub]) => claiming('C16', `sub ${what}`, () => ({ sub }))),
  claiming('C16', 'sub of 255 characters', () => ({ sub: 'x'.repeat(255) }), 'served'),
  texted(
    'C17',
    'claims called __proto__ and constructor',
    (world) =>
      `"exp":${later(world)},"__proto__":{"role":"owner","polluted":1},"constructor":{"prototype":{"polluted":1}}`,
    'served',
    isUnpolluted,
  ),
  texted('C17', 'sub only in __proto__', (world) => `"exp":${later(world)},"sub":null,"__proto__":{"sub":"root"}`),
  claiming('C17', 'hasOwnProperty as a claim', () => ({ hasOwnProperty: 1, toString: 2, valueOf: null }), 'served'),
  ...(
    [
      1,
      { read: true },
      true,
      ['projects:read', 1],
      ['projects:read projects:write'],
      'a  b',
      'a"b',
      'a\r\nb',
      'a\tb',
      'é',
    ] as const
  ).map((scope) =>
    presented('C18', `scope ${json(scope)}`, 'A1', async (world) => await scopedToken(world, { scope })),
  ),
  presented(
    'C18',
    'scopes as a string',
    'served',
    async (world) => await scopedToken(world, { scope: 'projects:read other' }),
  ),
  presented(
    'C18',
    'scopes as a list in scp',
    'served',
    async (world) => await scopedToken(world, { scp: ['projects:read'] }),
  ),
  listing('no scope', {}, true),
  listing('an empty scope', { scope: '' }, true),
  listing('another scope', { scope: 'documents:read' }, true),
  listing('a scope that begins like it', { scope: 'projects:readonly' }, true),
  listing('the scope in another case', { scope: 'Projects:Read' }, true),
  listing('the scope', { scope: 'projects:read' }, false),
  listing('the scope of writing, which implies reading', { scope: 'projects:write' }, false),
  claiming(
    'C20',
    'roles that the token gives itself',
    () => ({ roles: ['owner'], role: 'owner', 'app.roles': ['owner'], realm_access: { roles: ['owner'] } }),
    'served',
    isMember,
  ),
  claiming('C21', 'jti seen before', () => ({ jti: 'once' }), 'served'),
  claiming('C21', 'jti seen before, again', () => ({ jti: 'once' }), 'served'),
  claiming('C22', 'bound to a DPoP key', () => ({ cnf: { jkt: 'x' } })),
  claiming('C22', 'bound to a certificate', () => ({ cnf: { 'x5t#S256': 'x' } })),
  claiming('C22', 'bound to nothing readable', () => ({ cnf: null })),
  claiming(
    'C23',
    'acting for somebody',
    () => ({ act: { sub: 'root' }, may_act: { sub: 'root' } }),
    'served',
    says('main:alice-1'),
  ),
]
