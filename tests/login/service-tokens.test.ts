import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { calculateJwkThumbprint, createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, type JWK } from 'jose'
import { gatehouse } from '../support/command.ts'
import { upperKinds } from '../support/database.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { rpc } from '../support/rpc.ts'
import { until } from '../support/until.ts'

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly json: Record<string, unknown>
}

async function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const form = body instanceof URLSearchParams
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...(form ? {} : { 'content-type': 'application/json' }), ...headers },
    body: form ? body : JSON.stringify(body),
  })
  return {
    status: response.status,
    headers: response.headers,
    json: (await response.json()) as Record<string, unknown>,
  }
}

const exchange = async (server: RunningGatehouse, body: unknown): Promise<Answer> =>
  await post(`${server.url}/auth/token`, body)

async function tokenOf(server: RunningGatehouse, key: string, scope?: string): Promise<string> {
  const { status, json } = await exchange(server, { api_key: key, ...(scope === undefined ? {} : { scope }) })
  expect(status).toBe(200)
  return String(json['access_token'])
}

async function createKey(server: RunningGatehouse, ...more: string[]): Promise<{ id: string; key: string }> {
  const made = await gatehouse(server, ['key', 'create', 'acme_test', '--name', 'ci', '--json', ...more])
  expect(made.stderr).toBe('')
  return made.json()
}

const whoami = async (server: RunningGatehouse, token: string) =>
  await rpc(server.mcp, token, 'tools/call', { name: 'whoami', arguments: {} })

/** Somebody of the company has signed in, so that its tenant is there. */
async function start(env: Record<string, string> = {}, kind: (typeof upperKinds)[number] = 'postgres') {
  const server = await startGatehouse({ kind, env })
  await whoami(server, await server.token('alice@acme.test'))
  return server
}

describe.each(upperKinds)('service accounts on %s', (kind) => {
  let server: RunningGatehouse
  let second: RunningGatehouse
  beforeAll(async () => {
    server = await start({}, kind)
    second =
      kind === 'postgres' ? await startGatehouse({ kind, beside: server, env: { PUBLIC_URL: server.url } }) : server
  }, 60_000)
  afterAll(async () => {
    if (second !== server) await second?.close()
    await server?.close()
  })

  test('D29: a key becomes a token of 15 minutes that says what RFC 9068 asks and what tenant and key it is for', async () => {
    const { id, key } = await createKey(server, '--scopes', 'projects:read')
    const before = Math.floor(Date.now() / 1000)
    const { status, headers, json } = await exchange(server, { api_key: key })
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(json).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 900,
      scope: 'projects:read',
    })
    const token = String(json['access_token'])
    const published = (await (await fetch(`${server.url}/oauth/jwks.json`)).json()) as { keys: JWK[] }
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(published), {
      issuer: server.url,
      audience: server.mcp,
      typ: 'at+jwt',
      algorithms: ['EdDSA'],
    })
    expect(protectedHeader).toEqual({
      alg: 'EdDSA',
      typ: 'at+jwt',
      kid: await calculateJwkThumbprint(published.keys[0] ?? {}),
    })
    expect(payload).toEqual({
      iss: server.url,
      aud: server.mcp,
      sub: `key:${id}`,
      client_id: id,
      tenant: 'acme_test',
      scope: 'projects:read',
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      iat: expect.any(Number),
      exp: Number(payload.iat) + 900,
    })
    expect(payload.iat).toBeGreaterThanOrEqual(before)
    const called = await whoami(server, token)
    expect(called.json).toMatchObject({
      result: {
        structuredContent: {
          user_id: `service-token:key:${id}`,
          role: 'service',
          tenant: { slug: 'acme_test' },
          scopes: ['projects:read'],
        },
      },
    })
  })

  test('what is published holds no private part and may be cached for five minutes', async () => {
    const response = await fetch(`${server.url}/oauth/jwks.json`)
    expect(response.headers.get('cache-control')).toBe('public, max-age=300')
    const { keys } = (await response.json()) as { keys: object[] }
    expect(keys.map((key) => Object.keys(key).toSorted())).toEqual([['alg', 'crv', 'kid', 'kty', 'use', 'x']])
  })

  test('a scope narrows on request, and what the key lacks is refused', async () => {
    const { key } = await createKey(server, '--scopes', 'projects:write')
    const form = await exchange(server, new URLSearchParams({ api_key: key, scope: 'projects:read' }))
    expect(form.json).toMatchObject({ scope: 'projects:read' })
    expect((await exchange(server, { api_key: key })).json).toMatchObject({ scope: 'projects:read projects:write' })
    const token = String(form.json['access_token'])
    const refused = await rpc(server.mcp, token, 'tools/call', { name: 'create_project', arguments: { name: 'no' } })
    expect(refused.status).toBe(403)
    expect(refused.headers.get('www-authenticate')).toContain('insufficient_scope')
    for (const scope of [
      'documents:read',
      'projects:read documents:read',
      'tenant:admin',
      '*',
      'a"b',
      'projects:read  ',
    ]) {
      const answer = await exchange(server, { api_key: key, scope })
      expect([scope, answer.status, answer.json['error']]).toEqual([scope, 400, 'invalid_scope'])
    }
  })

  test('client_credentials: the id and the whole key, in the body or as Basic (RFC 6749 section 4.4)', async () => {
    const { id, key } = await createKey(server, '--scopes', 'projects:write')
    const ask = async (form: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> =>
      await post(`${server.url}/oauth/token`, new URLSearchParams(form), headers)
    const grant_type = 'client_credentials'
    const basic = (user: string, secret: string): Record<string, string> => ({
      authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`,
    })
    const answers = [
      await ask({ grant_type, client_id: id, client_secret: key, scope: 'projects:read' }),
      await ask({ grant_type, scope: 'projects:read' }, basic(id, key)),
    ]
    for (const { status, json } of answers) {
      expect([status, json['scope'], json['token_type']]).toEqual([200, 'projects:read', 'Bearer'])
      expect((await whoami(server, String(json['access_token']))).status).toBe(200)
    }
    const own = String(answers[0]?.json['access_token'])
    const { id: otherId, key: otherKey } = await createKey(server)
    const refused = [
      await ask({ grant_type, client_id: otherId, client_secret: key }),
      await ask({ grant_type }, basic(id, otherKey)),
      await ask({ grant_type, client_id: id, client_secret: own }),
      await ask({ grant_type, client_id: id }),
      await ask({ grant_type, client_secret: key }),
    ]
    expect(refused.map(({ status, json }) => [status, json['error']])).toEqual(
      refused.map(() => [401, 'invalid_client']),
    )
    expect(refused[1]?.headers.get('www-authenticate')).toMatch(/^Basic /)
    // D29: nor by a grant made for exchanging (RFC 8693).
    const exchanged = await ask({ grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token: own })
    expect([exchanged.status, exchanged.json['error']]).toEqual([400, 'unsupported_grant_type'])
  })

  test('D29: a token is not exchanged again, nor is anything else that is no API key', async () => {
    const { key } = await createKey(server)
    const own = await tokenOf(server, key)
    const person = await server.token('alice@acme.test')
    for (const api_key of [own, person, '', 'gh_key_', `${key}x`, ` ${key}`]) {
      const { status, json } = await exchange(server, { api_key })
      expect([status, json['error']]).toEqual([401, 'invalid_client'])
    }
  })

  test('a malformed request is refused without a look at any key', async () => {
    const { key } = await createKey(server)
    const twice = new URLSearchParams([
      ['api_key', key],
      ['api_key', key],
    ])
    for (const body of [
      {},
      [],
      { api_key: [key] },
      { api_key: key, tenant: 'beta_test' },
      { api_key: key, scope: 1 },
      twice,
    ]) {
      const { status, json } = await exchange(server, body)
      expect([status, json['error']]).toEqual([400, 'invalid_request'])
    }
    expect((await fetch(`${server.url}/auth/token`)).status).toBe(405)
    const big = await exchange(server, { api_key: key, scope: 'x'.repeat(10_000) })
    expect(big.status).toBe(413)
  })

  test('D23: where a key may be used from holds when it is exchanged', async () => {
    const { key } = await createKey(server, '--cidr', '10.0.0.0/8')
    expect(await exchange(server, { api_key: key })).toMatchObject({ status: 401, json: { error: 'invalid_client' } })
  })

  test('D23: a token ends with its key, however soon that is', async () => {
    const { key } = await createKey(server, '--expires', new Date(Date.now() + 120_000).toISOString())
    const { json } = await exchange(server, { api_key: key })
    expect(json['expires_in']).toBeLessThanOrEqual(120)
    expect(json['expires_in']).toBeGreaterThan(60)
  })

  test('D23: wrong secrets are limited, and a right one is never refused for them', async () => {
    const { id, key } = await createKey(server)
    const wrong = `gh_key_${id}_${'0'.repeat(43)}`
    const { crc32 } = await import('node:zlib')
    const forged = `${wrong}_${crc32(wrong).toString(16).padStart(8, '0')}`
    const statuses: number[] = []
    for (let i = 0; i < 12; i++) statuses.push((await exchange(server, { api_key: forged })).status)
    expect(statuses).toEqual([...Array<number>(10).fill(401), 429, 429])
    expect((await exchange(server, { api_key: key })).status).toBe(200)
  })

  test('D23: a revoked key stops its tokens at every replica within a second', async () => {
    const { id, key } = await createKey(server)
    const token = await tokenOf(second, key)
    expect((await whoami(server, token)).status).toBe(200)
    expect((await whoami(second, token)).status).toBe(200)
    await gatehouse(server, ['key', 'revoke', 'acme_test', id, '--yes'])
    const told = performance.now()
    await until(async () => (await whoami(second, token)).status === 401)
    await until(async () => (await whoami(server, token)).status === 401)
    expect(performance.now() - told).toBeLessThan(1000)
    expect((await exchange(second, { api_key: key })).json['error']).toBe('invalid_client')
  })

  test('D22: a stolen token is revoked alone, at every replica; the key and its other tokens go on, and a key is not revoked so', async () => {
    const { key } = await createKey(server, '--expires', new Date(Date.now() + 3_600_000).toISOString())
    const [stolen, other] = [await tokenOf(server, key), await tokenOf(server, key)]
    expect((await whoami(second, stolen)).status).toBe(200)
    const revoke = async (token: string): Promise<number> =>
      (await post(`${server.url}/oauth/revoke`, new URLSearchParams({ token }))).status
    expect(await revoke(stolen)).toBe(200)
    await until(async () => (await whoami(second, stolen)).status === 401, 1000)
    expect(await revoke(key)).toBe(200)
    expect((await exchange(server, { api_key: key })).status).toBe(200)
    expect((await whoami(second, other)).status).toBe(200)
  })

  test('`token explain` judges it as the server does', async () => {
    const { id, key } = await createKey(server)
    const token = await tokenOf(server, key)
    const explain = async () => (await gatehouse(server, 'token explain --json', token)).json()
    expect(await explain()).toMatchObject({ accepted: true, identity: { user_id: `service-token:key:${id}` } })
    await gatehouse(server, ['key', 'revoke', 'acme_test', id, '--yes'])
    expect(await explain()).toMatchObject({ accepted: false, code: 'key_revoked' })
  })

  test("a key's scopes taken away are taken from its tokens too, and a token never has more than its key", async () => {
    const { id, key } = await createKey(server, '--scopes', 'projects:read,documents:read')
    const token = await tokenOf(server, key)
    await gatehouse(server, ['key', 'update', 'acme_test', id, '--scopes', 'documents:read,todos:read'])
    const scopesNow = async (): Promise<unknown> =>
      ((await whoami(server, token)).json as { result: { structuredContent: { scopes: unknown } } }).result
        .structuredContent.scopes
    await until(async () => JSON.stringify(await scopesNow()) !== '["documents:read","projects:read"]')
    expect(await scopesNow()).toEqual(['documents:read'])
  })

  test('every token given out stands in the audit of its tenant, without the token', async () => {
    const { id, key } = await createKey(server)
    const token = await tokenOf(server, key)
    const { jti } = decodeJwt(token)
    const rows = async (): Promise<Record<string, unknown>[]> =>
      (await gatehouse(server, ['audit', 'list', 'acme_test', '--json'])).json()
    await until(async () => (await rows()).some((row) => row['target'] === jti))
    const row = (await rows()).find((one) => one['target'] === jti)
    expect(row).toMatchObject({ action: 'token.issued', outcome: 'ok', key_id: id })
    const [, , signature = ''] = token.split('.')
    expect(server.lines.join('')).not.toContain(signature)
    expect(server.lines.join('')).not.toContain(key)
    expect(JSON.stringify(await rows())).not.toContain(signature)
  })
})

test('two deployments that share a secret do not take each other’s tokens', async () => {
  const [first, other] = await Promise.all([start(), start()])
  expect(first.config.sessionSecrets).toEqual(other.config.sessionSecrets)
  try {
    const token = await tokenOf(first, (await createKey(first)).key)
    expect((await whoami(first, token)).status).toBe(200)
    expect((await whoami(other, token)).status).toBe(401)
    const kid = async (server: RunningGatehouse): Promise<unknown> =>
      ((await (await fetch(`${server.url}/oauth/jwks.json`)).json()) as { keys: JWK[] }).keys[0]?.kid
    expect(await kid(first)).not.toBe(await kid(other))
  } finally {
    await first.close()
    await other.close()
  }
}, 60_000)

test('D29: SIGNING_KEY signs instead of the secret', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const server = await start({ SIGNING_KEY: pem.replaceAll('\n', String.raw`\n`) })
  try {
    const token = await tokenOf(server, (await createKey(server)).key)
    expect(decodeProtectedHeader(token).kid).toBe(
      await calculateJwkThumbprint(publicKey.export({ format: 'jwk' }) as JWK),
    )
    expect((await whoami(server, token)).status).toBe(200)
  } finally {
    await server.close()
  }
}, 60_000)
