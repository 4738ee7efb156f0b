import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import * as oidc from 'openid-client'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { createLog } from '#base/log.ts'
import { createDevIssuer } from '#http/dev-issuer.ts'
import { mintDevToken } from '#http/dev-token.ts'
import { browser } from './browser.ts'
import { freePort, raw, startApp, statusOf, type TestServer } from './support.ts'

const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'dev-issuer-'))
  folders.push(made)
  return made
}

async function start(dataDir: string, port?: number): Promise<TestServer> {
  const at = port ?? (await freePort())
  const developmentIssuer = await createDevIssuer({
    clientSecret: 'x'.repeat(43),
    dataDir,
    publicUrl: `http://127.0.0.1:${at}`,
    log: createLog('silent'),
  })
  return await startApp({ config: { port: at }, developmentIssuer })
}

/** Registration, browser and code of one client. */
async function signIn(
  server: TestServer,
  person: string,
  {
    resource = `${server.url}/mcp`,
    redirect = 'http://127.0.0.1:33333/callback',
    scope = 'openid email offline_access',
    shared = browser(server.url),
  } = {},
) {
  const client = await oidc.dynamicClientRegistration(
    new URL(`${server.url}/dev`),
    { client_name: 'a client', redirect_uris: [redirect], token_endpoint_auth_method: 'none' },
    oidc.None(),
    { execute: [oidc.allowInsecureRequests] },
  )
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  const url = oidc.buildAuthorizationUrl(client, {
    redirect_uri: redirect,
    scope,
    resource,
    state,
    prompt: 'consent',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  const callback = await shared.signIn(url, person)
  if (callback.searchParams.has('error')) throw new Error(callback.search)
  const tokens = await oidc.authorizationCodeGrant(
    client,
    callback,
    { pkceCodeVerifier: verifier, expectedState: state },
    { resource },
  )
  return { client, tokens, url }
}

async function verify(server: TestServer, token: string) {
  const keys = (await (await fetch(`${server.url}/dev/jwks`)).json()) as Parameters<typeof createLocalJWKSet>[0]
  return await jwtVerify(token, createLocalJWKSet(keys), {
    issuer: `${server.url}/dev`,
    audience: `${server.url}/mcp`,
    typ: 'at+jwt',
  })
}

test('a client that knows only the URL registers, signs in by browser and gets an access token with a verified email', async () => {
  const server = await start(await folder())
  const { client, tokens, url } = await signIn(server, 'alice')
  const page = await browser(server.url).go(url)
  const html = await page.answer.text()
  expect(page.answer.status).toBe(200)
  expect(page.answer.headers.get('content-security-policy')).not.toContain('form-action')
  expect(html).not.toContain('<script')
  for (const email of ['alice@acme.test', 'carol@acme.test', 'bob@globex.test']) expect(html).toContain(email)
  const { payload } = await verify(server, tokens.access_token)
  expect(payload).toMatchObject({
    sub: 'alice',
    email: 'alice@acme.test',
    email_verified: true,
    client_id: client.clientMetadata().client_id,
  })
  expect(tokens.refresh_token).toBeDefined()
  const again = await oidc.refreshTokenGrant(client, tokens.refresh_token ?? '', { resource: `${server.url}/mcp` })
  expect((await verify(server, again.access_token)).payload.sub).toBe('alice')
})

test('one browser can be Alice in one client and Bob in another, and a client without offline_access refreshes too', async () => {
  const server = await start(await folder())
  const shared = browser(server.url)
  for (const person of ['alice', 'bob', 'alice']) {
    const { client, tokens } = await signIn(server, person, { scope: 'openid email', shared })
    expect((await verify(server, tokens.access_token)).payload.sub).toBe(person)
    const again = await oidc.refreshTokenGrant(client, tokens.refresh_token ?? '')
    expect((await verify(server, again.access_token)).payload.sub).toBe(person)
    await oidc.tokenRevocation(client, again.refresh_token ?? tokens.refresh_token ?? '')
    await expect(
      oidc.refreshTokenGrant(client, again.refresh_token ?? tokens.refresh_token ?? ''),
    ).rejects.toMatchObject({ error: 'invalid_grant' })
  }
})

test('a tenant endpoint and an editor with its own scheme are served alike; another resource is not', async () => {
  const server = await start(await folder())
  const tenant = await signIn(server, 'bob', {
    resource: `${server.url}/t/globex_test/mcp`,
    redirect: 'cursor://anysphere.cursor-mcp/oauth/callback',
  })
  expect((await verify(server, tenant.tokens.access_token)).payload['email']).toBe('bob@globex.test')
  const elsewhere = await signIn(server, 'bob', { resource: 'https://elsewhere.test/mcp' }).catch(String)
  expect(elsewhere).toContain('error=invalid_target')
})

test('its key, registrations and refresh tokens outlive a restart, in a file that nobody else reads', async () => {
  const dataDir = await folder()
  const first = await start(dataDir)
  const { client, tokens } = await signIn(first, 'carol')
  await first.close()
  expect((await stat(join(dataDir, 'dev-issuer.json'))).mode & 0o777).toBe(0o600)
  const second = await start(dataDir, first.port)
  expect((await verify(second, tokens.access_token)).payload.sub).toBe('carol')
  const again = await oidc.refreshTokenGrant(client, tokens.refresh_token ?? '')
  expect((await verify(second, again.access_token)).payload.sub).toBe('carol')
})

test('a minted token is one that the running issuer would have given', async () => {
  const dataDir = await folder()
  const port = await freePort()
  const request = { dataDir, publicUrl: `http://127.0.0.1:${port}`, email: 'alice@acme.test' }
  const before = await mintDevToken(request)
  const server = await start(dataDir, port)
  const minted = await verify(server, before)
  const { tokens } = await signIn(server, 'alice')
  const issued = await verify(server, tokens.access_token)
  expect(Object.keys(issued.payload)).toEqual(expect.arrayContaining(Object.keys(minted.payload)))
  expect(minted.protectedHeader).toEqual(issued.protectedHeader)
  expect((await verify(server, await mintDevToken(request))).payload.sub).toBe('alice')
  await expect(mintDevToken({ ...request, email: 'mallory@evil.test' })).rejects.toThrow('configuration')
})

test('of two processes that start at once the first key stands for both', async () => {
  const dataDir = await folder()
  const request = { dataDir, publicUrl: 'http://127.0.0.1:1', email: 'bob@globex.test' }
  const tokens = await Promise.all(Array.from({ length: 5 }, async () => await mintDevToken(request)))
  const kids = tokens.map(
    (token) => (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid,
  )
  expect(new Set(kids).size).toBe(1)
  expect(JSON.parse(await readFile(join(dataDir, 'dev-issuer.json'), 'utf8'))).toMatchObject({ key: { kid: kids[0] } })
})

test('both well-known forms of RFC 8414 and the one of OpenID answer with the same issuer', async () => {
  const server = await start(await folder())
  for (const path of [
    '/.well-known/oauth-authorization-server/dev',
    '/dev/.well-known/oauth-authorization-server',
    '/dev/.well-known/openid-configuration',
  ]) {
    const answer = await fetch(server.url + path)
    expect(answer.status, path).toBe(200)
    expect(await answer.json()).toMatchObject({
      issuer: `${server.url}/dev`,
      registration_endpoint: `${server.url}/dev/reg`,
      code_challenge_methods_supported: ['S256'],
    })
  }
})

test('D1: the development sign-in answers nobody who is, or may be, on another machine', async () => {
  const server = await start(await folder())
  for (const forwarding of [
    'Forwarded: for=1.2.3.4',
    'X-Forwarded-For: 1.2.3.4',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: a',
    'Via: 1.1 proxy',
    'CF-Connecting-IP: 1.2.3.4',
    'True-Client-IP: 1.2.3.4',
    'X-Amzn-Trace-Id: Root=1',
  ]) {
    for (const path of [
      '/dev/.well-known/openid-configuration',
      '/dev/auth',
      '/dev/jwks',
      '/dev/interaction/x',
      '/.well-known/oauth-authorization-server/dev',
    ]) {
      const answer = await raw(
        server.port,
        `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${forwarding}\r\n\r\n`,
      )
      expect(statusOf(answer), `${path} ${forwarding}`).toBe(404)
    }
  }
})

test('D1: HTTP/1.0 is how nginx speaks for others when it is told nothing, and then it adds no header', async () => {
  const server = await start(await folder())
  const path = '/dev/.well-known/openid-configuration'
  expect(statusOf(await raw(server.port, `GET ${path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n`))).toBe(404)
})

test('D1: without the development issuer there is nothing under /dev', async () => {
  const { url } = await startApp()
  for (const path of [
    '/dev/auth',
    '/dev/jwks',
    '/dev/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server/dev',
  ]) {
    expect((await fetch(url + path)).status, path).toBe(404)
  }
})

test('a sign-in that is over, and a person nobody knows, end on a page and not in an error', async () => {
  const server = await start(await folder())
  const late = await fetch(`${server.url}/dev/interaction/long-gone`)
  expect([late.status, late.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8'])
  const broken = await fetch(`${server.url}/dev/auth?client_id=%3Cscript%3E`, { headers: { accept: 'text/html' } })
  expect(broken.status).toBe(400)
  expect(await broken.text()).not.toContain('<script')
})
