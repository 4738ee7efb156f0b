import { Readable, Writable } from 'node:stream'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '#cli/run.ts'
import { tailAudit, type TailedTenant } from '#tenancy/audit-tail.ts'
import { environment, gatehouse, type Ran } from '../support/command.ts'
import { postgresUrl, type FreshDatabase } from '../support/database.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { rpc } from '../support/rpc.ts'
import { until } from '../support/until.ts'

let fresh: FreshDatabase
let server: RunningGatehouse
let alice: string
beforeAll(async () => {
  server = await startGatehouse({ kind: 'postgres' })
  fresh = server.database
  alice = await server.token('alice@acme.test')
  await call('before')
})
afterAll(async () => await server.close())

const call = async (id: string): Promise<unknown> =>
  await rpc(
    server.mcp,
    alice,
    'tools/call',
    { name: 'list_projects', arguments: {} },
    { 'x-request-id': `request-${id}` },
  )

interface Event {
  readonly '@timestamp': string
  readonly event: { readonly action: string; readonly outcome: string; readonly id: string }
  readonly organization?: { readonly name?: string }
  readonly request_id?: string
}

/** `audit tail --json` in this process, and what it said so far. */
function tail(line: string): {
  readonly events: () => Event[]
  readonly errors: () => string
  readonly stop: () => Promise<Ran>
} {
  let said = ''
  let errors = ''
  const stopping = new AbortController()
  const shell = {
    env: environment(fresh),
    ends: stopping.signal,
    onOutput: (text: string) => void (said += text),
    onError: (text: string) => void (errors += text),
  }
  const ran = gatehouse(shell, `audit tail --json ${line}`.trim())
  return {
    events: () =>
      said
        .split('\n')
        .filter((each) => each !== '')
        .map((each) => JSON.parse(each) as Event),
    errors: () => errors,
    async stop() {
      stopping.abort()
      return await ran
    },
  }
}
const command = async (line: string): Promise<Ran> => await gatehouse({ env: environment(fresh) }, line)

test('of one tenant: its calls and its changes as they come, each once, from --since on; interrupted it ends with 0', async () => {
  const tailing = tail('acme_test --since 1h')
  const has = (wanted: (event: Event) => boolean) => async (): Promise<boolean> => tailing.events().some(wanted)
  await until(has(({ request_id: id }) => id === 'request-before'))
  await call('after')
  await until(has(({ request_id: id }) => id === 'request-after'))
  expect((await command('tenant create other')).exit).toBe(0)
  expect((await command('key create acme_test --name robot --scopes projects:read --role member')).exit).toBe(0)
  await until(has(({ event }) => event.action === 'key.created'))
  const ended = await tailing.stop()
  expect(ended).toMatchObject({ exit: 0, stderr: expect.stringContaining('Following') })
  const events = tailing.events()
  expect(new Set(events.map(({ event }) => event.id)).size).toBe(events.length)
  expect(events.find(({ request_id: id }) => id === 'request-after')).toMatchObject({
    event: { action: 'tool.called', category: ['api'], outcome: 'success', duration: expect.any(Number) },
    organization: { name: 'acme_test' },
    gatehouse: { tool: 'list_projects', mac: expect.stringMatching(/^[0-9a-f]{64}$/) },
  })
  expect(events.filter(({ event }) => event.action === 'tenant.created')).toEqual([])
  expect(ended.stdout).not.toContain('gh_key_')
})

test('without a tenant only the registry, with --all every tenant’s own too; without --since only what is new', async () => {
  const registry = tail('')
  const all = tail('--all')
  await until(async () => {
    await call('all')
    return all.events().some(({ request_id: id }) => id === 'request-all')
  })
  expect((await command('tenant create another')).exit).toBe(0)
  for (const { events } of [registry, all])
    await until(() => events().some(({ event }) => event.action === 'tenant.created'))
  await registry.stop()
  await all.stop()
  expect(registry.events().map(({ event }) => event.action)).toEqual(['tenant.created'])
  expect([...registry.events(), ...all.events()].filter(({ request_id: id }) => id === 'request-before')).toEqual([])
})

test('it goes on when the database was away, and misses nothing', async () => {
  const tailing = tail('')
  const has = (action: string): boolean => tailing.events().some(({ event }) => event.action === action)
  await until(async () => {
    await command('tenant suspend another')
    await command('tenant resume another')
    return has('tenant.resumed')
  })
  const [{ name } = { name: '' }] = await fresh.sql<{ name: string }>('SELECT current_database() AS name')
  const elsewhere = new pg.Client({ connectionString: postgresUrl('postgres') })
  await elsewhere.connect()
  await elsewhere.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`)
  await elsewhere.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`)
  await until(() => tailing.errors().includes('cannot be reached'))
  await elsewhere.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`)
  await elsewhere.end()
  expect((await command('tenant delete another --now --yes')).exit).toBe(0)
  await until(() => has('tenant.deleted'))
  const ended = await tailing.stop()
  expect(ended.exit).toBe(0)
  expect(ended.stderr.match(/cannot be reached/g)).toHaveLength(1)
})

test('it waits for who reads slowly, and ends with 0 when nobody reads any more', async () => {
  let taken = 0
  const slow = new Writable({
    highWaterMark: 1,
    write(_chunk, _encoding, done) {
      taken += 1
      setImmediate(() => done(taken > 2 ? Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }) : null))
    },
  })
  const stderr = new Writable({ write: (_chunk, _encoding, done) => done() })
  const stdin = Readable.from([])
  const shell = { env: environment(fresh), cwd: '/', stdin, stdout: slow, stderr }
  expect(await run(['audit', 'tail', 'acme_test', '--since', '1h'], shell)).toBe(0)
  expect(taken).toBe(3)
})

test('a tenant that cannot be read for longer than is looked back is told whole when it can', async () => {
  const [tenant] = await fresh.sql<TailedTenant & { at: Date }>(
    `SELECT id, slug, schema, placement, schema_version AS "schemaVersion" FROM gatehouse.tenants WHERE slug = 'acme_test'`,
  )
  if (tenant === undefined) throw new Error('there is no such tenant')
  await command('tenant suspend acme_test')
  const stop = new AbortController()
  let looks = 0
  const rows = tailAudit({
    database: fresh.database,
    // Two minutes later than the rows: long past what a look goes back.
    clock: { now: () => Date.now() + 120_000 },
    actor: { kind: 'operator', name: 'tester' },
    tenants: async () => {
      looks += 1
      return [tenant]
    },
    only: tenant.id,
    since: Date.now() - 3_600_000,
    signal: stop.signal,
    onAway: () => {},
    every: 10,
  })
  const seen: (string | null)[] = []
  const reading = (async () => {
    for await (const row of rows) if (row.tenant !== null) seen.push(row.request_id)
  })()
  await until(() => looks > 3)
  expect(seen).toEqual([])
  await command('tenant resume acme_test')
  await until(() => seen.includes('request-before'))
  stop.abort()
  await reading
})

test('a tenant and --all together is a mistake, and so is a tenant that does not exist', async () => {
  expect(await command('audit tail acme_test --all')).toMatchObject({ exit: 2 })
  expect(await command('audit tail nobody')).toMatchObject({ exit: 1, stdout: '' })
})
