import { seconds } from '#base/clock.ts'
import { people, type Claims } from '../../support/fake-provider.ts'
import { configs, GOOGLE_CLIENT_ID, MCP_URL, type Gate } from '../support.ts'
import { LIMITED, UNAVAILABLE, type Row, type Scene, type Subject, type Trouble } from './subject.ts'

type Making = (gate: Gate, change?: Claims) => Scene & { readonly revoke: () => void }

/** A token that only its provider can judge. `at` is the endpoint that judges first, `whole` all that a good token needs. */
function opaqueSubject(
  file: string,
  at: string,
  first: Row['hits'],
  whole: Row['hits'],
  make: Making,
  own: Pick<Subject['cases'], "another app's" | 'expired'>,
): Subject {
  const inTrouble = (trouble: Trouble) => (gate: Gate) => {
    const scene = make(gate)
    gate.fake.behave(at, trouble)
    return scene
  }
  return {
    file,
    cases: {
      good: { scene: make, ends: 'accepted', hits: whole },
      ...own,
      revoked: { scene: withdrawn(make), ends: 'token_inactive 401', hits: first },
      'provider down': { scene: inTrouble('error'), ends: UNAVAILABLE, hits: first },
      'provider slow': { scene: inTrouble('trickle'), ends: UNAVAILABLE, hits: first },
      'provider limits us': { scene: inTrouble('limited'), ends: LIMITED, hits: first },
    },
  }
}

const withdrawn = (make: Making) => (gate: Gate) => {
  const scene = make(gate)
  scene.revoke()
  return scene
}

const googleAccess: Making = ({ fake, open }, info = {}) => {
  const token = fake.google.grant({ ...people.alice, aud: GOOGLE_CLIENT_ID }, { info })
  return { enter: open({ google: configs.google }), token, revoke: () => fake.google.revoke(token) }
}

const alice = { id: 41, login: 'alice', emails: [{ email: people.alice.email, primary: true, verified: true }] }

const githubApp: Making = ({ fake, open }, change = {}) => {
  const token = fake.github.grant({ ...alice, ...change })
  return { enter: open({ github: configs.github }), token, revoke: () => fake.github.revoke(token) }
}

const githubPersonal =
  (allowPersonalTokens: boolean): Making =>
  ({ fake, open }) => {
    const token = fake.github.grant({ ...alice, prefix: 'ghp_' })
    return {
      enter: open({ github: { ...configs.github, allowPersonalTokens } }),
      token,
      revoke: () => fake.github.revoke(token),
    }
  }

const introspected: Making = ({ fake, open }, change = {}) => {
  const oidc = fake.issuer({ path: 'oidc' })
  const token = oidc.grantOpaque({ ...people.alice, aud: MCP_URL, ...change })
  const config = { ...configs.oidc(oidc.iss), introspection: configs.introspection }
  return { enter: open({ oidc: [config] }), token, revoke: () => oidc.revokeOpaque(token) }
}

const TOKENINFO = { 'google/tokeninfo': 1 }
const CHECK = { 'github/check': 1 }
const USER = { 'github/user': 1 }
const INTROSPECT = { 'oidc/discovery': 1, 'oidc/introspect': 1 }

export const opaqueSubjects: Readonly<Record<string, Subject>> = {
  'google access token': opaqueSubject(
    'google.ts',
    'google/tokeninfo',
    TOKENINFO,
    { ...TOKENINFO, 'google/userinfo': 1 },
    googleAccess,
    {
      "another app's": {
        scene: (gate) => googleAccess(gate, { aud: 'elsewhere', azp: 'elsewhere' }),
        ends: 'audience_mismatch 401',
        hits: TOKENINFO,
      },
      expired: {
        scene: (gate) => googleAccess(gate, { exp: String(seconds(gate.clock) - 60) }),
        ends: 'token_expired 401',
        hits: TOKENINFO,
      },
    },
  ),
  github: opaqueSubject('github.ts', 'github/check', CHECK, { ...CHECK, 'github/emails': 1 }, githubApp, {
    "another app's": {
      scene: (gate) => githubApp(gate, { clientId: 'Iv1.another' }),
      ends: 'token_inactive 401',
      hits: CHECK,
    },
    expired: {
      scene: (gate) =>
        githubApp(gate, { prefix: 'ghu_', expires_at: new Date(gate.clock.now() - 60_000).toISOString() }),
      ends: 'token_expired 401',
      hits: CHECK,
    },
  }),
  'github personal token': opaqueSubject(
    'github.ts',
    'github/user',
    USER,
    { ...USER, 'github/emails': 1 },
    githubPersonal(true),
    {
      "another app's": {
        instead: 'a personal token belongs to no app, so nothing binds it to us: all are refused unless allowed',
        scene: githubPersonal(false),
        ends: 'type_refused 401',
        hits: {},
      },
      expired: {
        instead: 'GitHub answers 401 for expired and revoked alike',
        scene: withdrawn(githubPersonal(true)),
        ends: 'token_inactive 401',
        hits: USER,
      },
    },
  ),
  'oidc opaque token': opaqueSubject('oidc.ts', 'oidc/introspect', INTROSPECT, INTROSPECT, introspected, {
    "another app's": {
      scene: (gate) => introspected(gate, { aud: 'elsewhere' }),
      ends: 'audience_mismatch 401',
      hits: INTROSPECT,
    },
    expired: {
      scene: (gate) => introspected(gate, { exp: seconds(gate.clock) - 60 }),
      ends: 'token_expired 401',
      hits: INTROSPECT,
    },
  }),
}
