import { afterAll, beforeAll, expect, test } from 'vitest'
import { gatehouse as command } from '../support/command.ts'
import { startDns, type DnsServer } from '../support/dns.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { until } from '../support/until.ts'

let server: DnsServer
let gatehouse: RunningGatehouse
beforeAll(async () => {
  server = await startDns()
  gatehouse = await startGatehouse({ kind: 'postgres', env: { DNS_SERVERS: server.address } })
})
afterAll(async () => {
  await gatehouse.close()
  await server.close()
})

test('a running server looks for records by itself', async () => {
  const run = async (line: string): Promise<Record<string, string>> => {
    const ran = await command({ env: gatehouse.env }, `${line} --json`)
    expect(ran).toMatchObject({ exit: 0 })
    return ran.json()
  }
  await run('tenant create initech')
  const { expected = '' } = await run('domain claim initech initech.test --asserted-by development')
  server.txt('_gatehouse-challenge.initech.test', expected)
  // The first look is a minute after the claim: that minute is over.
  await gatehouse.database.sql(`UPDATE gatehouse.domains SET next_check = now() - interval '1 s'`)
  // Another replica looks a second after it starts, and every 30 s.
  const second = await startGatehouse({
    kind: 'postgres',
    env: { DNS_SERVERS: server.address },
    beside: gatehouse,
  })
  await until(async () => {
    const [row] = await gatehouse.database.sql(`SELECT state, verified_by FROM gatehouse.domains`)
    expect(row).toEqual({ state: 'verified', verified_by: 'dns' })
    return true
  }, 40_000)
  await second.stop()
  expect(await run('domain show initech initech.test')).toMatchObject({ state: 'verified', verified_by: 'dns' })
}, 90_000)
