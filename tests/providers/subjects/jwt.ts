import { seconds } from '#base/clock.ts'
import { people, type Claims, type FakeIssuer } from '../../support/fake-provider.ts'
import { configs, GOOGLE_CLIENT_ID, MCP_URL, signShared, type Gate } from '../support.ts'
import { asksNobody, LIMITED, UNAVAILABLE, type Enter, type Row, type Subject, type Trouble } from './subject.ts'

interface Making {
  readonly enter: Enter
  readonly issuer: FakeIssuer
  readonly aud: string
  readonly claims?: Claims
}

const past = ({ clock }: Gate): Claims => ({ iat: seconds(clock) - 7200, exp: seconds(clock) - 3600 })

/** A JWT that is verified here: nobody is asked but for the issuer's keys. */
function jwtSubject(file: string, at: string, cold: Row['hits'], make: (gate: Gate) => Making): Subject {
  const scene =
    (change: (gate: Gate) => Claims = () => ({}), trouble?: Trouble) =>
    async (gate: Gate) => {
      const { enter, issuer, aud, claims } = make(gate)
      if (trouble !== undefined) gate.fake.behave(at, trouble)
      return { enter, token: await issuer.sign({ ...people.alice, aud, ...claims, ...change(gate) }) }
    }
  const withdrawn = async (gate: Gate) => {
    const { enter, issuer, aud, claims } = make(gate)
    const token = await issuer.sign({ ...people.alice, aud, ...claims })
    await issuer.rotate()
    return { enter, token }
  }
  return {
    file,
    cases: {
      good: { scene: scene(), ends: 'accepted', hits: cold },
      "another app's": {
        scene: scene(() => ({ aud: 'elsewhere', azp: 'elsewhere' })),
        ends: 'audience_mismatch 401',
        hits: cold,
      },
      expired: { scene: scene(past), ends: 'token_expired 401', hits: cold },
      revoked: {
        instead: 'an issuer cannot recall a JWT (D22 cuts it here); it can withdraw the key that signed it',
        scene: withdrawn,
        ends: 'key_unknown 401',
        hits: cold,
      },
      'provider down': { scene: scene(undefined, 'error'), ends: UNAVAILABLE, hits: cold },
      'provider slow': { scene: scene(undefined, 'trickle'), ends: UNAVAILABLE, hits: cold },
      'provider limits us': { scene: scene(undefined, 'limited'), ends: LIMITED, hits: cold },
    },
  }
}

const TENANT = '7f1de2ab-0000-4000-8000-1234567890ab'
const ENTRA = `entra/${TENANT}/v2.0`

const shared =
  (change: (gate: Gate) => Claims = () => ({}), secret?: string) =>
  async (gate: Gate) => ({
    enter: gate.open({ sharedSecret: configs.sharedSecret }),
    token: await signShared(gate.clock, { ...people.alice, ...change(gate) }, secret),
  })

export const jwtSubjects: Readonly<Record<string, Subject>> = {
  'google ID token': jwtSubject('google.ts', 'google/jwks', { 'google/jwks': 1 }, ({ fake, open }) => ({
    enter: open({ google: configs.google }),
    issuer: fake.google,
    aud: GOOGLE_CLIENT_ID,
    claims: { azp: GOOGLE_CLIENT_ID },
  })),
  auth0: jwtSubject('auth0.ts', 'auth0/jwks', { 'auth0/jwks': 1 }, ({ fake, open }) => ({
    enter: open({ auth0: configs.auth0 }),
    issuer: fake.auth0,
    aud: MCP_URL,
  })),
  oidc: jwtSubject('oidc.ts', 'oidc/jwks', { 'oidc/discovery': 1, 'oidc/jwks': 1 }, ({ fake, open }) => {
    const issuer = fake.issuer({ path: 'oidc' })
    return { enter: open({ oidc: [configs.oidc(issuer.iss)] }), issuer, aud: MCP_URL }
  }),
  entra: jwtSubject(
    'oidc.ts',
    `${ENTRA}/jwks`,
    { [`${ENTRA}/discovery`]: 1, [`${ENTRA}/jwks`]: 1 },
    ({ fake, open }) => {
      const issuer = fake.issuer({ path: ENTRA })
      const config = { ...configs.oidc(`${fake.url}/entra/organizations/v2.0`), tenantIds: [TENANT] }
      return { enter: open({ oidc: [config] }), issuer, aud: MCP_URL, claims: { tid: TENANT } }
    },
  ),
  'shared secret': {
    file: 'shared-secret.ts',
    cases: {
      good: { scene: shared(), ends: 'accepted', hits: {} },
      "another app's": {
        scene: shared(() => ({ aud: 'https://elsewhere.test/mcp' })),
        ends: 'audience_mismatch 401',
        hits: {},
      },
      expired: { scene: shared(past), ends: 'token_expired 401', hits: {} },
      revoked: {
        instead: 'such a token cannot be recalled (D22 cuts it here); its secret can be retired',
        scene: shared(undefined, 'the secret of last year, which is also long enough'),
        ends: 'signature_invalid 401',
        hits: {},
      },
      ...asksNobody(shared()),
    },
  },
}
