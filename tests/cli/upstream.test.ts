import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase, upperKinds, type FreshDatabase } from '../support/database.ts'
import { API_USERS, startFakeApi, type FakeApi } from '../support/fake-api.ts'
import { environment, gatehouse, type Ran } from '../support/command.ts'

describe.each(upperKinds)('upstream, on %s', (kind) => {
  let fresh: FreshDatabase
  let api: FakeApi
  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    api = await startFakeApi()
    await fresh.tenant('acme')
  })
  afterAll(async () => {
    await api.close()
    await fresh.drop()
  })
  const run = async (line: string, input = ''): Promise<Ran> =>
    await gatehouse(
      {
        env: {
          ...environment(fresh),
          GOOGLE_CLIENT_ID: 'app',
          UPSTREAM_CRM_URL: `${api.url}/v1`,
          UPSTREAM_CRM_AUTH: 'login',
          UPSTREAM_CRM_CREDENTIALS: 'tenant',
        },
      },
      line,
      input,
    )

  test('set reads credentials from standard input, list tells of them, test signs in with them, remove takes them away', async () => {
    expect((await run('upstream list acme --json')).json()).toMatchObject([{ name: 'crm', credentials: 'none' }])
    const before = await run('upstream test acme crm /contacts --json')
    expect([before.exit, before.json()]).toMatchObject([1, { problem: expect.stringContaining('no credentials') }])

    const set = await run('upstream set acme crm', `username=acme\npassword=${API_USERS.acme}\n`)
    expect(set).toMatchObject({ exit: 0, stderr: '' })
    expect(set.stdout).toMatch(/^credentials +own$/m)
    expect((await run('upstream test acme crm /contacts --json')).json()).toMatchObject({ status: 200, problem: null })
    expect(api.asked.at(-1)?.headers.authorization).toContain('of-acme')

    await run('upstream set acme crm', 'username=acme\npassword=wrong-password\n')
    const wrong = await run('upstream test acme crm /contacts')
    expect(wrong.exit).toBe(1)
    expect(wrong.stdout).toContain('does not accept the credentials')
    expect(JSON.stringify(wrong)).not.toContain('wrong-password')

    expect((await run('upstream remove acme crm')).exit).toBe(2)
    expect((await run('upstream remove acme crm --yes')).exit).toBe(0)
    expect((await run('upstream list acme --json')).json()).toMatchObject([{ credentials: 'none' }])
  })

  test('credentials on the command line are not taken and not repeated, and a line that is no field is said to be none', async () => {
    const leaked = await run('upstream set acme crm password=hunter2')
    expect([leaked.exit, leaked.stdout]).toEqual([2, ''])
    expect(leaked.stderr).toContain('treat it as leaked')
    expect(leaked.stderr).not.toContain('hunter2')
    const odd = await run('upstream set acme crm', 'hunter2\n')
    expect([odd.exit, odd.stderr]).toEqual([2, 'error: write one line per field: username=..., password=...\n'])
    expect(await run('upstream set acme crm nothing.txt')).toMatchObject({ exit: 1 })
    expect(await run('upstream set acme erp', 'a=b')).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('no upstream erp'),
    })
  })
})
