import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bearerToken } from '#identity/bearer.ts'
import { readScopes } from '#identity/scopes.ts'
import { refused } from '../identity/support/refused.ts'

/** fast-check prints seed and path of what fails: `fc.assert(..., { seed, path })` runs it again. */
const B64TOKEN = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/'
const CHARACTER = fc.constantFrom(...B64TOKEN.split(''))
const good = fc
  .tuple(fc.string({ unit: CHARACTER, minLength: 1, maxLength: 40 }), fc.nat(2))
  .map(([text, pad]) => text + '='.repeat(pad))
/** What comes near to a token, and is none. */
const bad = fc
  .tuple(good, fc.constantFrom(' ', ',', '"', '\t', '=x', '\u00e9', '\0', ';', '%', '@', '{', '\\'), good)
  .map(([before, wrong, after]) => before + wrong + after)
const scheme = fc.mixedCase(fc.constant('bearer'))
const name = fc.mixedCase(fc.constant('authorization'))
const other = fc.tuple(
  fc.constantFrom('Host', 'X-Authorization', 'Proxy-Authorization', 'Cookie', 'Authorization-'),
  good,
)
const url = fc.constantFrom(
  '/mcp',
  '/mcp?',
  '/mcp?x=access_token',
  '/t/a/mcp?x=1&xaccess_token=1',
  '/mcp?Access_Token=1',
)
const urlWithToken = fc.constantFrom(
  '/mcp?access_token=1',
  '/mcp?x&access_token',
  '/mcp?access%5ftoken=1',
  '/mcp?a=1&access_token=1',
)

const ask = (headers: readonly (readonly [string, string])[], target: string): string =>
  bearerToken({ rawHeaders: headers.flat(), url: target })

test('one header, one scheme, one space and a token of RFC 6750: that token, whatever stands around it', () => {
  fc.assert(
    fc.property(
      fc.array(other),
      fc.array(other),
      name,
      scheme,
      good,
      url,
      (before, after, field, bearer, token, target) => {
        expect(ask([...before, [field, `${bearer} ${token}`], ...after], target)).toBe(token)
      },
    ),
  )
})

test('a token that is not of that syntax, a second header or a second token is malformed, and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(
      name,
      name,
      scheme,
      good,
      bad,
      url,
      urlWithToken,
      async (field, twin, bearer, token, wrong, target, leaky) => {
        const right = [field, `${bearer} ${token}`] as const
        expect(await refused(() => ask([[field, `${bearer} ${wrong}`]], target))).toBe('header_malformed')
        expect(await refused(() => ask([[field, `${bearer}  ${token}`]], target))).toBe('header_malformed')
        expect(await refused(() => ask([right, [twin, `Basic ${token}`]], target))).toBe('header_malformed')
        expect(await refused(() => ask([right, right], target))).toBe('header_malformed')
        expect(await refused(() => ask([right], leaky))).toBe('header_malformed')
      },
    ),
  )
})

test('any other scheme is as if nothing were there, also with a token in the query', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), fc.oneof(url, urlWithToken), async (value, target) => {
      fc.pre(!/^bearer( |$)/i.test(value))
      expect(await refused(() => ask([['authorization', value]], target))).toBe('token_missing')
    }),
  )
})

test('what is answered was in the one header, whole', async () => {
  const any = fc.array(
    fc.tuple(
      fc.oneof(name, fc.string()),
      fc.oneof(
        fc.string({ unit: 'binary' }),
        good.map((token) => `Bearer ${token}`),
      ),
    ),
  )
  await fc.assert(
    fc.asyncProperty(any, url, async (headers, target) => {
      fc.pre((await refused(() => ask(headers, target))) === 'accepted')
      const token = ask(headers, target)
      const values = headers.filter(([field]) => field.toLowerCase() === 'authorization').map(([, value]) => value)
      expect(values.map((value) => value.slice('bearer '.length))).toEqual([token])
    }),
  )
})

test('scopes are those the token wrote, no more and no other', async () => {
  const scope = fc.stringMatching(/^[!#-[\]-~]{1,12}$/)
  await fc.assert(
    fc.asyncProperty(fc.array(scope), fc.array(scope), async (text, list) => {
      const found = readScopes({ scope: text.join(' '), permissions: list, roles: ['admin'] })
      expect(new Set(found)).toEqual(new Set([...text, ...list]))
      expect(await refused(() => readScopes({ scope: `${text.join(' ')}  x` }))).toBe('claims_invalid')
    }),
  )
})
