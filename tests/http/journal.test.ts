import { expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { rpc, startApp } from './support.ts'

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' }

test('who is known and over their limit is one row of the audit a minute, not one for each request', async () => {
  const { url, audited, lines } = await startApp({
    config: { rateLimit: { on: true, perIp: 300, perTenant: 6000, perPrincipal: 2 } },
  })
  const statuses: number[] = []
  for (let call = 0; call < 12; call++) statuses.push((await rpc(`${url}/mcp`, PING)).status)
  expect(statuses).toEqual([200, 200, ...Array.from({ length: 10 }, () => 429)])
  // The log has each.
  await until(() => lines().filter(({ code }) => code === 'rate_limited').length === 10)
  expect(audited.map(({ refusal }) => refusal.code)).toEqual(['rate_limited'])
})
