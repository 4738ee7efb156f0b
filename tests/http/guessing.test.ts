/** Who guesses at a secret is slowed down by address, whichever door they try; the right secret is let in all the same (D23, D33). */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeApiKey } from '#identity/api-key.ts'
import { gatehouse } from '../support/command.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { rpc } from '../support/rpc.ts'

const STATIC = 'the-one-key-of-the-tests-forty-characters'
const PER_ADDRESS = 3
let server: RunningGatehouse
let key = ''
beforeAll(async () => {
  server = await startGatehouse({
    kind: 'postgres',
    env: {
      API_KEY: STATIC,
      API_KEY_TENANT: 'acme',
      RATE_LIMIT_PER_IP: String(PER_ADDRESS),
      TRUST_PROXY: '127.0.0.1/32',
    },
  })
  await gatehouse(server, 'tenant create acme')
  const made: { readonly key: string } = (await gatehouse(server, 'key create acme --json')).json()
  ;({ key } = made)
})
afterAll(async () => await server.close())

const form = (fields: Record<string, string>): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams(fields).toString(),
})
const bearer = (token: string): RequestInit => ({ method: 'POST', headers: { authorization: `Bearer ${token}` } })

/** Each guess is another one, so that nothing is answered from memory. */
const DOORS: readonly (readonly [string, string, () => RequestInit])[] = [
  ['a bearer token', '/mcp', () => bearer(`opaque${Math.random()}`)],
  ['an API key whose id nobody has', '/mcp', () => bearer(makeApiKey().key)],
  ['the static key', '/api/v1/whoami', () => ({ ...bearer(`${STATIC}${Math.random()}`), method: 'GET' })],
  ['a key at /auth/token', '/auth/token', () => form({ api_key: makeApiKey().key })],
  [
    'client_credentials',
    '/oauth/token',
    () => {
      const made = makeApiKey()
      return form({ grant_type: 'client_credentials', client_id: made.id, client_secret: made.key })
    },
  ],
  ['a form of the console without a session', '/console/t/acme/keys/new', () => form({ name: 'x', csrf: 'guessed' })],
]

test.each(DOORS)('who guesses %s is 429 after the limit of their address', async (name, path, guess) => {
  const from = `192.0.2.${DOORS.findIndex(([one]) => one === name) + 1}`
  const ask = async (): Promise<Response> => {
    const { headers, ...rest } = guess()
    const given = { ...Object.fromEntries(new Headers(headers)), 'x-forwarded-for': from }
    return await fetch(`${server.url}${path}`, { ...rest, headers: given, redirect: 'manual' })
  }
  const statuses: number[] = []
  for (let i = 0; i < PER_ADDRESS + 2; i += 1) statuses.push((await ask()).status)
  expect(statuses.slice(0, PER_ADDRESS)).not.toContain(429)
  expect(statuses.slice(0, PER_ADDRESS)).not.toContain(200)
  expect(statuses.slice(PER_ADDRESS)).toEqual([429, 429])
  for (const right of [STATIC, key])
    expect((await rpc(server.mcp, right, 'ping', {}, { 'x-forwarded-for': from })).status).toBe(200)
})

test('D23: wrong secrets for one key are 429 after ten from however many addresses, the right one is not', async () => {
  const [, id = ''] = /^gh_key_([0-9A-Za-z]{12})_/.exec(key) ?? []
  const { crc32 } = await import('node:zlib')
  const guess = (at: number): string => {
    const body = `gh_key_${id}_${String(at).padStart(43, 'x')}`
    return `${body}_${crc32(body).toString(16).padStart(8, '0')}`
  }
  const statuses: number[] = []
  for (let i = 0; i < 12; i += 1)
    statuses.push((await rpc(server.mcp, guess(i), 'ping', {}, { 'x-forwarded-for': `198.51.100.${i}` })).status)
  expect(statuses).toEqual([...Array<number>(10).fill(401), 429, 429])
  expect((await rpc(server.mcp, key, 'ping')).status).toBe(200)
})
