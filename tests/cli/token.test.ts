import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { people, startFakeProvider, type FakeIssuer, type FakeProvider } from '../support/fake-provider.ts'
import { gatehouse, type Ran } from '../support/command.ts'

const AUDIENCE = 'https://gatehouse.test/mcp'
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-token-'))
let fake: FakeProvider
let oidc: FakeIssuer
beforeAll(async () => {
  fake = await startFakeProvider()
  oidc = fake.issuer({ path: 'oidc' })
})
afterAll(async () => {
  await fake.close()
  rmSync(folder, { recursive: true })
})

const explain = async (token: string, ...options: readonly string[]): Promise<Ran> => {
  const env = { OIDC_ISSUER: oidc.iss, OIDC_AUDIENCE: AUDIENCE, DATA_DIR: folder }
  return await gatehouse({ env, cwd: folder }, ['token', 'explain', ...options], token)
}

interface Explained {
  readonly accepted: boolean
  readonly code: string | null
  readonly checks: readonly { readonly check: string; readonly ok: boolean }[]
}

/** A part of the token that must never be shown: its signature. */
const signatureOf = (token: string): string => token.split('.')[2] ?? 'none'

test('a good token passes every check, its claims are shown, neither it nor its signature is', async () => {
  const token = await oidc.sign({ ...people.alice, aud: AUDIENCE })
  const ran = await explain(`Bearer ${token}\n`)
  expect(ran).toMatchObject({ exit: 0, stderr: '' })
  for (const check of ['provider', 'type', 'algorithm', 'issuer', 'signature', 'claims', 'audience'])
    expect(ran.stdout).toMatch(new RegExp(`^pass +${check}\\b`, 'm'))
  expect(ran.stdout).not.toContain('FAIL')
  expect(ran.stdout).toMatch(/^email +alice@acme\.test$/m)
  expect(ran.stdout).toMatch(/^user id +oidc:alice-1$/m)
  expect(ran.stdout).not.toContain(signatureOf(token))
  expect(ran.stdout).not.toContain(token.split('.')[1])
})

test.each<[string, () => Promise<string>, string, string]>([
  [
    'another app’s',
    async () => await oidc.sign({ ...people.alice, aud: 'https://other.example' }),
    'audience_mismatch',
    'audience',
  ],
  [
    'an expired',
    async () => await oidc.sign({ ...people.alice, aud: AUDIENCE, exp: 1_000_000_000, iat: 999_999_000 }),
    'token_expired',
    'claims',
  ],
  [
    'a tampered',
    async () => `${(await oidc.sign({ ...people.alice, aud: AUDIENCE })).slice(0, -8)}AAAAAAAA`,
    'signature_invalid',
    'signature',
  ],
])('%s token is refused at the check that refuses it', async (_, make, code, check) => {
  const token = await make()
  const ran = await explain(token, '--json')
  expect(ran.exit).toBe(1)
  const said: Explained = ran.json()
  expect(said).toMatchObject({ accepted: false, code, claims: { sub: 'alice-1' }, identity: null })
  expect(said.checks.filter(({ ok }) => !ok)).toMatchObject([{ check }])
  expect(ran.stdout).not.toContain(signatureOf(token))
})

test.each([
  ['nobody’s opaque token', 'abcdef', 'issuer_unknown'],
  ['a GitHub token where GitHub is not configured', 'gho_0123456789', 'issuer_unknown'],
])('%s is refused without a request to anyone', async (_, token, code) => {
  const before = fake.hits()
  const ran = await explain(token, '--json')
  expect(ran.json()).toMatchObject({ accepted: false, code, claims: null })
  expect(ran.stdout).not.toContain(token)
  expect(fake.hits()).toBe(before)
})

test('it reads a file, and says so when there is none', async () => {
  writeFileSync(join(folder, 'token.txt'), await oidc.sign({ ...people.alice, aud: AUDIENCE }))
  expect(await explain('', 'token.txt')).toMatchObject({ exit: 0 })
  expect(await explain('', 'nothing.txt')).toMatchObject({
    exit: 1,
    stdout: '',
    stderr: 'error: the file cannot be read\n',
  })
  expect(await explain('')).toMatchObject({ exit: 2, stdout: '' })
})

test('a token on the command line is not read and not repeated', async () => {
  const token = await oidc.sign({ ...people.alice, aud: AUDIENCE })
  for (const leaked of [token, `gh_key_${'a'.repeat(12)}_x_y`]) {
    const ran = await explain('', leaked)
    expect(ran).toMatchObject({ exit: 2, stdout: '', stderr: expect.stringContaining('treat it as leaked') })
    expect(ran.stderr).not.toContain(leaked)
  }
})

describe('beside a running development server', () => {
  let server: RunningGatehouse
  beforeAll(async () => {
    server = await startGatehouse({ kind: 'embedded' })
  })
  afterAll(async () => await server.close())

  const env = () => ({ DATA_DIR: server.config.dataDir, PORT: String(server.config.port) })

  test('dev-token prints a token the server accepts, and nothing else', async () => {
    const ran = await gatehouse({ env: env() }, 'dev-token alice@acme.test')
    expect(ran).toMatchObject({ exit: 0, stderr: '' })
    const answer = await fetch(server.mcp.replace(/mcp$/, 'api/v1/whoami'), {
      headers: { authorization: `Bearer ${ran.stdout.trim()}` },
    })
    expect(await answer.json()).toMatchObject({ email: 'alice@acme.test', role: 'owner' })
    expect((await gatehouse({ env: env() }, 'dev-token bob@globex.test --json')).json()).toMatchObject({
      email: 'bob@globex.test',
    })
    expect(await gatehouse({ env: env() }, 'token explain', ran.stdout)).toMatchObject({ exit: 0 })
  })

  test('a key is looked up in the database that server holds, and its networks are judged by --ip', async () => {
    const shell = { env: { ...env(), SESSION_SECRET: server.config.sessionSecrets.join(',') } }
    await gatehouse(shell, 'tenant create keys')
    const { stdout: key } = await gatehouse(shell, 'key create keys --cidr 10.0.0.0/8')
    expect(await gatehouse(shell, 'token explain', key)).toMatchObject({
      exit: 1,
      stdout: expect.stringContaining('say from where with --ip'),
    })
    const inside = await gatehouse(shell, 'token explain --ip 10.1.2.3 --json', key)
    expect(inside.json()).toMatchObject({ accepted: true, identity: { key: { tenant: 'keys' } } })
    expect(inside.stdout).not.toContain(key.trim())
  })

  test('doctor finds the development sign-in running and the clock right', async () => {
    const ran = await gatehouse({ env: { ...env(), SESSION_SECRET: server.config.sessionSecrets.join(',') } }, 'doctor')
    expect(ran).toMatchObject({ exit: 0 })
    expect(ran.stdout).toMatch(/^ok +provider development +reached/m)
    expect(ran.stdout).toMatch(/^ok +clock +\d+ s from 127\.0\.0\.1/m)
  })
})

test.each([
  ['dev-token dave@acme.test', 1],
  ['dev-token', 2],
  ['dev-token a b', 2],
])('%s: exit %i and no answer', async (line, exit) => {
  expect(await gatehouse({ env: { DATA_DIR: folder } }, line)).toMatchObject({
    exit,
    stdout: '',
    stderr: expect.stringContaining('error: '),
  })
})

test('D1: dev-token makes nothing where there is no development sign-in', async () => {
  const env = { DATA_DIR: join(folder, 'none'), API_KEY: 'x', API_KEY_TENANT: 'acme' }
  expect(await gatehouse({ env }, 'dev-token alice@acme.test')).toMatchObject({ exit: 1, stdout: '' })
})
