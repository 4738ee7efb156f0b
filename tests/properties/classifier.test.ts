import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createAuthenticator } from '#identity/authenticate.ts'
import { isJwtShaped } from '#identity/jwt-parse.ts'
import type { Provider, TokenShape } from '#identity/provider.ts'
import { identityOf } from '#providers/claims.ts'
import { b64 } from '../identity/support/issuer.ts'
import { refused } from '../identity/support/refused.ts'

/** Who was shown which token: providers that take whatever reaches them. */
function gate(): { readonly shown: (token: string) => Promise<readonly string[]> } {
  const seen: string[] = []
  const provider = (id: string, ...tokens: TokenShape[]): Provider => ({
    id,
    tokens,
    authorization_server: null,
    challenge_scopes: [],
    grants_scopes: false,
    async verify() {
      seen.push(id)
      return identityOf({ provider: id, iss: id, sub: 'x' })
    },
  })
  const { authenticate } = createAuthenticator({
    clock: { now: () => 0 },
    providers: [
      provider('static', { exact: (token) => token === 'the-static-key' }),
      provider('google', { iss: ['https://accounts.google.com', 'accounts.google.com'] }, { prefix: ['ya29.'] }),
      provider('github', { prefix: ['gho_', 'ghu_', 'ghp_', 'github_pat_'] }),
      provider('oidc', { iss: ['https://idp.example'] }, { opaque: true }),
      provider('other', { iss: ['https://other.example/'] }),
      provider('api-key', { prefix: ['gh_key_'] }),
    ],
  })
  return {
    async shown(token) {
      seen.length = 0
      await refused(async () => await authenticate(token, { ip: null }))
      return [...seen]
    },
  }
}

const ISSUERS = {
  'https://accounts.google.com': 'google',
  'https://idp.example': 'oidc',
  'https://other.example/': 'other',
} as const
const iss = fc.constantFrom(...(Object.keys(ISSUERS) as (keyof typeof ISSUERS)[]))
const jwtOf = (claims: unknown): string =>
  ['{"alg":"RS256","typ":"JWT"}', JSON.stringify(claims), 'signature'].map(b64).join('.')
const prefixed = fc
  .tuple(
    fc.constantFrom('gho_', 'ghu_', 'ghp_', 'github_pat_', 'ya29.', 'gh_key_'),
    fc.stringMatching(/^[\w.-]{0,60}$/),
  )
  .map((parts) => parts.join(''))
const jwt = fc.oneof(
  iss.map((issuer) => jwtOf({ iss: issuer })),
  fc.jsonValue().map((claims) => jwtOf(claims)),
  fc.webUrl().map((issuer) => jwtOf({ iss: issuer })),
)
const token = fc.oneof(
  jwt,
  prefixed,
  fc.stringMatching(/^[\w.~+/=-]{0,80}$/),
  fc.string({ unit: 'binary' }),
  fc.constant('the-static-key'),
)

test('no token reaches two providers, and none reaches a second one when it comes again', async () => {
  const { shown } = gate()
  await fc.assert(
    fc.asyncProperty(token, async (presented) => {
      const first = await shown(presented)
      expect(first.length).toBeLessThanOrEqual(1)
      expect(await shown(presented)).toEqual(first)
    }),
    { numRuns: 1_000 },
  )
})

test('a JWT reaches the provider of its iss or nobody', async () => {
  const { shown } = gate()
  await fc.assert(
    fc.asyncProperty(iss, fc.dictionary(fc.string(), fc.jsonValue()), async (issuer, claims) => {
      expect(await shown(jwtOf({ ...claims, iss: issuer }))).toEqual([ISSUERS[issuer]])
      expect(await shown(jwtOf({ ...claims, iss: `${issuer}x` }))).toEqual([])
    }),
  )
})

test('D14: whatever is put before or behind a JWT, nobody is asked about it but its own issuer', async () => {
  const { shown } = gate()
  const around = fc.stringMatching(/^[\w.~+/=-]{0,6}$/)
  await fc.assert(
    fc.asyncProperty(
      around,
      fc.constantFrom('', '.', '..', '~.', 'x.', '.x.y.'),
      fc.constantFrom('', '.', '=', '==', '~', '.x', '.x.y'),
      async (text, before, behind) => {
        const foreign = before + jwtOf({ iss: 'https://unknown.example', text }) + behind
        expect(isJwtShaped(foreign)).toBe(true)
        expect(await shown(foreign)).toEqual([])
        const google = await shown(before + jwtOf({ iss: 'https://accounts.google.com', text }) + behind)
        expect(google.filter((id) => id !== 'google')).toEqual([])
      },
    ),
  )
})

test('a known prefix is its provider’s, whatever comes after it', async () => {
  const { shown } = gate()
  await fc.assert(
    fc.asyncProperty(prefixed, async (presented) => {
      const owner = presented.startsWith('gh_key_') ? 'api-key' : presented.startsWith('ya29.') ? 'google' : 'github'
      expect([[], [owner]]).toContainEqual(await shown(presented))
    }),
  )
})
