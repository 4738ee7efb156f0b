import { afterAll, beforeAll, expect, test } from 'vitest'
import { CONSOLE_SCRIPT } from '#console/console-script.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { upperKinds } from '../support/database.ts'
import { visitor } from './support.ts'

let server: RunningGatehouse
beforeAll(async () => {
  server = await startGatehouse({ kind: upperKinds[0] ?? 'postgres' })
}, 60_000)
afterAll(async () => await server?.close())

test('who signs in comes to the overview of their home tenant', async () => {
  const alice = visitor(server)
  await alice.signIn('alice')
  const to = await alice.get('/console')
  expect([to.status, to.location]).toEqual([303, '/console/t/acme_test'])
  const page = await alice.get('/console/t/acme_test')
  expect(page.status).toBe(200)
  expect(page.text).toContain(`${server.url}/t/acme_test/mcp`)
})

test('D13: the pages of a tenant are the same 403 for strangers, whether it exists or not', async () => {
  const alice = visitor(server)
  await alice.signIn('alice')
  const [there, nowhere] = [await alice.get('/console/t/globex_test'), await alice.get('/console/t/nobody_test')]
  expect([there.status, nowhere.status]).toEqual([403, 403])
  const bare = (text: string): string => text.replaceAll(/Request [\w-]+/g, '')
  expect(bare(there.text)).toBe(bare(nowhere.text))
  expect((await alice.get('/console/t/No-Slug')).status).toBe(404)
})

test('a page allows nothing inline and nothing from elsewhere, and its look and script are there', async () => {
  const alice = visitor(server)
  await alice.signIn('alice')
  const { headers, text } = await alice.get('/console/t/acme_test')
  const policy = headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'none'; style-src 'self'; script-src 'self'")
  expect(policy).not.toContain('unsafe')
  expect(text).not.toMatch(/<style|<script>|\son\w+="|style="/)
  const assets = [...text.matchAll(/(?:href|src)="(\/console\/assets\/[^"]+)"/g)].map((match) => match[1] ?? '')
  expect(assets).toHaveLength(2)
  for (const asset of assets) {
    const answer = await fetch(`${server.url}${asset}`)
    expect([asset, answer.status, answer.headers.get('cache-control')]).toEqual([asset, 200, 'public, max-age=300'])
  }
  expect(await (await fetch(`${server.url}${assets[1] ?? ''}`)).text()).toBe(CONSOLE_SCRIPT)
})

test('a page answers every other method with 405', async () => {
  const alice = visitor(server)
  await alice.signIn('alice')
  const answer = await alice.post('/console/t/acme_test', {})
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
})

test('a mistyped address is a page that says so, whoever asks', async () => {
  const alice = visitor(server)
  await alice.signIn('alice')
  for (const who of [alice, visitor(server)])
    for (const path of ['/console/keys', '/console/t/acme_test/keyz', '/console/t/globex_test/keyz']) {
      const { status, headers, text } = await who.get(path)
      expect([path, status, headers.get('content-type')]).toEqual([path, 404, 'text/html; charset=utf-8'])
      expect(text).toContain('There is no such page')
    }
})
