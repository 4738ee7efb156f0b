/** The Usage page: what it shows to whom. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gatehouse } from '../support/command.ts'
import { upperKinds } from '../support/database.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { visitor, type Visitor } from './support.ts'

const USAGE = '/console/t/acme_test/usage'
let server: RunningGatehouse
const people: Record<string, Visitor> = {}
beforeAll(async () => {
  server = await startGatehouse({ kind: upperKinds[0] ?? 'postgres' })
  for (const who of ['alice', 'bob', 'carol']) {
    people[who] = visitor(server)
    await people[who].signIn(who)
    await people[who].get('/console')
  }
}, 60_000)
afterAll(async () => await server?.close())

const page = async (who: string, query = '', path = USAGE): Promise<string> =>
  (await people[who]?.get(`${path}${query}`))?.text ?? ''

/** One hour of a tenant's past. */
async function add(slug: string, who: string, tool: string, days: number, calls: number, failures = 0): Promise<void> {
  await server.database.sql(
    `INSERT INTO gatehouse.usage (hour, tenant_id, tool, iss, sub, provider, calls, failures, refusals, total_ms, max_ms)
     SELECT date_trunc('hour', now()) - $1 * interval '1 day', t.id, $2, m.iss, m.sub, m.provider, $3::int, $4, 1, $3::int * 20, 90
     FROM gatehouse.tenants t JOIN gatehouse.members m ON m.tenant_id = t.id WHERE t.slug = $5 AND m.sub = $6`,
    [days, tool, calls, failures, slug, who],
  )
}

test('without calls it says so, and how to begin', async () => {
  const text = await page('alice')
  expect(text).toContain('No calls in the last 30 days')
  expect(text).toContain('href="/t/acme_test"')
})

test('an admin sees every call of the range: a picture with the same numbers as a table, tools and people', async () => {
  await add('acme_test', 'alice', 'create_todo', 0, 1_200, 12)
  await add('acme_test', 'carol', 'list_projects', 2, 300)
  await add('acme_test', 'carol', 'search_documents', 60, 50)
  const text = await page('alice')
  expect(text).toMatch(/<dd>1,500<\/dd>/)
  expect(text).toContain('0.8 % of the calls')
  expect(text).toContain('aria-labelledby="usage-title usage-desc"')
  expect(text).toMatch(
    /<title id="usage-title">Calls per day<\/title>\s*<desc id="usage-desc">\s*1,500 calls in 30 days, 12 of them failed\./,
  )
  expect(text.match(/<rect class="bar" x=/g)).toHaveLength(2)
  expect(text.match(/<rect class="bad" x=/g)).toHaveLength(1)
  expect(text.match(/<th scope="row" class="nowrap">/g)).toHaveLength(30)
  expect(text.indexOf('create_todo')).toBeLessThan(text.indexOf('list_projects'))
  expect(text).not.toContain('search_documents')
  expect(text).toContain('Alice Archer')
  expect(text).not.toMatch(/style="|<style|<script>/)
  const quarter = await page('alice', '?range=90d')
  expect(quarter).toContain('search_documents')
  expect(quarter).toMatch(/range=90d"\s+aria-current="true"/)
  expect(await page('alice', '?range=24h')).toContain('Calls per hour')
  expect(await page('alice', '?range=%3Cb%3E')).toMatch(/range=30d"\s+aria-current="true"/)
})

test('D12: a member sees their own calls only', async () => {
  const text = await page('carol')
  expect(text).toMatch(/<dd>300<\/dd>/)
  expect(text).not.toContain('create_todo')
  expect(text).not.toContain('Alice Archer')
})

test('another tenant’s admin sees nothing of it', async () => {
  expect((await people['bob']?.get(USAGE))?.status).toBe(403)
  const own = await page('bob', '', '/console/t/globex_test/usage')
  expect(own).toContain('No calls in the last 30 days')
  expect(own).not.toContain('create_todo')
})

test('the limits are told, of keys those that one may see', async () => {
  await gatehouse(server, 'key create acme_test --name metered --requests-per-hour 750')
  const text = await page('alice')
  expect(text).toContain('1,200 calls per minute')
  expect(text).toContain('6,000 calls per minute')
  expect(text).toMatch(/metered<\/a>\s*<\/dt>\s*<dd>750 requests per hour/)
  expect(await page('carol')).not.toContain('metered')
})
