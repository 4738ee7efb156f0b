import { chmodSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '#base/clock.ts'
import type { Keychain } from '#bridge/keychain.ts'
import type { Login } from '#bridge/login-record.ts'
import { createStore, type StoreOptions } from '#bridge/store.ts'
import { person } from './support.ts'

const login: Login = {
  resource: 'https://mcp.example.com/mcp',
  issuer: 'https://issuer.example.com',
  client_id: 'one',
  scopes: ['read'],
  granted: ['read'],
  token_endpoint: 'https://issuer.example.com/token',
  revocation_endpoint: null,
  proof: 'none',
  resource_indicator: true,
  expires_at: 1,
  ended: null,
  updated: 1,
  access_token: 'the-access-token',
  refresh_token: 'the-refresh-token',
  client_secret: 'the-client-secret',
}
const url = new URL(login.resource)

function store(more: Partial<StoreOptions> = {}, folder = person().GATEHOUSE_CONFIG_DIR) {
  const told: string[] = []
  const options: StoreOptions = { folder, kind: 'file', clock: systemClock, tell: (line) => told.push(line), ...more }
  return { folder, told, store: createStore(options) }
}

/** A keychain that works, in memory. */
function memoryChain(): { readonly chain: Keychain; writes(): number } {
  let held: string | null = null
  let writes = 0
  return {
    writes: () => writes,
    chain: {
      read: async () => held,
      async write(secret) {
        writes += 1
        held = secret
      },
    },
  }
}

const everything = (folder: string): string =>
  readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n')

test('with a keychain no secret lies in a file, and what was sealed is read again', async () => {
  const { chain, writes } = memoryChain()
  const first = store({ kind: null, keychain: async () => chain })
  await first.store.save(login)
  await first.store.saveRegistration({
    issuer: login.issuer,
    client_id: 'one',
    redirect_uri: 'http://127.0.0.1:1/callback',
    proof: 'client_secret_basic',
    client_secret: 'the-client-secret',
  })
  expect(everything(first.folder)).not.toMatch(/the-(access|refresh|client)/)
  const second = store({ kind: 'keyring', keychain: async () => chain }, first.folder)
  expect(await second.store.find(url)).toEqual(login)
  expect(await second.store.registration(login.issuer)).toMatchObject({ client_secret: 'the-client-secret' })
  expect(await second.store.where()).toBe('keyring')
  expect(writes()).toBe(1)
  expect([...first.told, ...second.told]).toEqual([])
})

test('a sealed secret opens for its own login only, and not when it was altered', async () => {
  const { chain } = memoryChain()
  const { store: held, folder } = store({ kind: null, keychain: async () => chain })
  const other = { ...login, client_id: 'two' }
  await held.save(login)
  await held.save(other)
  const files = readdirSync(folder).map((name) => join(folder, name))
  const [one, two] = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as { secret: { sealed: string } })
  writeFileSync(files[0] ?? '', JSON.stringify({ ...one, secret: two?.secret }))
  expect(await held.all()).toHaveLength(1)
  const bytes = Buffer.from(two?.secret.sealed ?? '', 'base64')
  bytes[20] = (bytes[20] ?? 0) ^ 1
  writeFileSync(files[1] ?? '', JSON.stringify({ ...two, secret: { sealed: bytes.toString('base64') } }))
  expect(await held.all()).toEqual([])
})

test('looking makes no key in the keychain', async () => {
  const { chain, writes } = memoryChain()
  const { store: held } = store({ kind: null, keychain: async () => chain })
  expect([await held.where(), await held.find(url), await held.registration(login.issuer)]).toEqual([
    'keyring',
    null,
    null,
  ])
  expect(writes()).toBe(0)
})

test('two first logins at once agree on one key', async () => {
  const { chain, writes } = memoryChain()
  const folder = person().GATEHOUSE_CONFIG_DIR
  const stores = [1, 2, 3].map(() => store({ kind: null, keychain: async () => chain }, folder).store)
  await Promise.all(stores.map(async (one, index) => await one.save({ ...login, client_id: String(index) })))
  expect(writes()).toBe(1)
  expect(await store({ kind: null, keychain: async () => chain }, folder).store.all()).toHaveLength(3)
})

test('without a keychain the logins lie in a file, and the person is told once', async () => {
  const first = store({ kind: null, keychain: async () => null })
  await first.store.save(login)
  await first.store.save(login)
  const second = store({ kind: null, keychain: async () => null }, first.folder)
  await second.store.save(login)
  expect(await second.store.find(url)).toEqual(login)
  expect(first.told).toHaveLength(1)
  expect(first.told[0]).toMatch(/no keychain/)
  expect(second.told).toEqual([])
})

test('a person who chose the file is told nothing, one who demanded a keychain that is not there gets none', async () => {
  const chosen = store({ kind: 'file' })
  await chosen.store.save(login)
  expect(chosen.told).toEqual([])
  const demanded = store({ kind: 'keyring', keychain: async () => null })
  await expect(demanded.store.save(login)).rejects.toThrow(/no keychain/)
  expect(readdirSync(demanded.folder)).toEqual([])
})

test.runIf(process.platform !== 'win32')('a login that others could read, or that is a link, is not used', async () => {
  const { store: held, folder } = store()
  await held.save(login)
  const file = join(folder, readdirSync(folder)[0] ?? '')
  chmodSync(file, 0o644)
  await expect(held.find(url)).rejects.toThrow(/can be read by others/)
  chmodSync(file, 0o600)
  expect(await held.find(url)).toEqual(login)
  symlinkSync(file, join(folder, 'login-link.json'))
  await expect(held.find(url)).rejects.toThrow(/is a link/)
})

test.runIf(process.platform !== 'win32')('a folder that others may look into is closed to them', async () => {
  const folder = join(person().GATEHOUSE_CONFIG_DIR, 'open')
  mkdirSync(folder, { mode: 0o755 })
  const { store: held } = store({}, folder)
  await held.save(login)
  const { statSync } = await import('node:fs')
  expect(statSync(folder).mode & 0o777).toBe(0o700)
})

test('D39: of several logins the one nearest to the URL is used, then the newest; a client can be named', async () => {
  const { store: held } = store()
  const root = { ...login, resource: 'https://mcp.example.com', updated: 9 }
  const newer = { ...login, client_id: 'two', updated: 2 }
  await held.save(root)
  await held.save(newer)
  await held.save(login)
  expect(await held.find(url)).toEqual(newer)
  expect(await held.find(url, 'one')).toEqual(login)
  expect(await held.find(new URL('https://mcp.example.com/other'))).toEqual(root)
  expect(await held.find(new URL('https://other.example.com/mcp'))).toBeNull()
})
