import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gatehouse } from '../support/command.ts'
import { freePort } from '../support/free-port.ts'
import { startRespServer, type RespServer } from '../support/resp-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'doctor-store-'))
let store: RespServer
beforeAll(async () => {
  store = await startRespServer()
})
afterAll(async () => {
  await store.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** What doctor says of the counters, and everything it printed. */
async function looked(more: Readonly<Record<string, string>>): Promise<{ said: string | null; all: string }> {
  const env = { DATA_DIR: join(folder, 'data'), JWT_SECRET_KEY: 'k'.repeat(40), JWT_ISSUER: 'https://us.test', ...more }
  const ran = await gatehouse({ env }, 'doctor --json')
  const { findings } = ran.json() as { findings: { check: string; status: string; detail: string }[] }
  const found = findings.find(({ check }) => check === 'counters')
  return { said: found === undefined ? null : `${found.status}: ${found.detail}`, all: ran.stdout + ran.stderr }
}

test('RATE_LIMIT_STORE: doctor counts once at a store that answers, under a name that is gone a second later', async () => {
  expect((await looked({ RATE_LIMIT_STORE: store.url })).said).toMatch(/^ok: redis or valkey, counts in \d+ ms$/)
  const keys = [...store.values.entries()].map(([key, { until }]) => [key, until - Date.now() <= 1000])
  expect(keys).toEqual([['gatehouse:doctor', true]])
})

test('a store that is away, silent or refuses is a failure with the reason, and its password is told to nobody', async () => {
  const port = await freePort()
  const { said, all } = await looked({ RATE_LIMIT_STORE: `redis://someone:hunter2@127.0.0.1:${port}` })
  expect(said).toMatch(/^failed: RATE_LIMIT_STORE: it cannot be used \(ECONNREFUSED\)\. /)
  expect(all).not.toContain('hunter2')
  store.refuse("NOPERM User someone has no permissions to run the 'eval' command")
  expect((await looked({ RATE_LIMIT_STORE: store.url })).said).toMatch(/it cannot be used \(NOPERM\)/)
  store.refuse(null)
  store.hang(true)
  expect((await looked({ RATE_LIMIT_STORE: store.url })).said).toMatch(/it cannot be used \(no answer\)/)
  store.hang(false)
})

test('where nothing counts at a store, nothing is said of one', async () => {
  expect((await looked({})).said).toBeNull()
  expect((await looked({ RATE_LIMIT_STORE: 'redis://127.0.0.1:1', RATE_LIMIT: 'off' })).said).toBeNull()
})
