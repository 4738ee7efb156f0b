import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auditKey, insertAudit, signAudit, type AuditEntry } from '#tenancy/audit.ts'
import { sql } from '#db/sql.ts'
import { cursorOf } from '#tenancy/audit-query.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { upperKinds } from '../support/database.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { visitor, type Visitor } from './support.ts'

const LIST = '/console/t/acme_test/audit'
const START = Date.parse('2026-03-01T12:00:00Z')
const COUNT = 120
/** Below everything there is. */
const LAST = cursorOf({ at: '2020-01-01T00:00:00.000000Z', id: '00000000-0000-7000-8000-000000000000' })

describe('the audit log of the console', () => {
  let server: RunningGatehouse
  let alice: Visitor
  let bob: Visitor
  let carol: Visitor

  beforeAll(async () => {
    server = await startGatehouse({ kind: upperKinds[0] ?? 'postgres' })
    ;[alice, bob, carol] = [visitor(server), visitor(server), visitor(server)]
    await alice.signIn('alice')
    await carol.signIn('carol')
    await bob.signIn('bob')
    // The first page makes the organisation.
    for (const each of [alice, carol, bob]) await each.get('/console')
    await write('acme_test', [
      ...Array.from({ length: COUNT }, (_, index) => ({ at: START + index, action: `tool_${index}` })),
      {
        at: START + 1_000,
        action: 'delete_project',
        target: '<script>alert(1)</script>',
        detail: { note: '<b>bold</b>' },
      },
      { at: START + 2_000, action: 'create_todo', sub: '=HYPERLINK("https://evil.example")', outcome: 'failed' },
    ])
    await write('globex_test', [{ at: START, action: 'delete_project', target: 'only-of-globex' }])
  }, 60_000)
  afterAll(async () => await server?.close())

  async function write(slug: string, entries: readonly Partial<AuditEntry>[]): Promise<void> {
    const { database, sessionSecrets } = { ...server.config, database: server.database.database }
    const [found] = await database.control(
      { as: 'operator' },
      async (db) =>
        await db.query<Pick<Tenant, 'id' | 'schema' | 'placement'>>(
          sql`SELECT id, schema, placement FROM tenants WHERE slug = ${slug}`,
        ),
    )
    if (found === undefined) throw new Error(`no tenant ${slug}`)
    const key = auditKey(sessionSecrets[0] ?? '', found.schema)
    const usual = {
      at: START,
      tenant_id: found.id,
      iss: 'https://issuer.test',
      sub: 'ann',
      key_id: null,
      action: 'list_projects',
      target: null,
      outcome: 'ok',
      latency_ms: 3,
      request_id: 'req-1',
      ip: '192.0.2.1',
      detail: null,
      arguments_digest: 'digest-of-arguments',
    } as const
    await database.tenant({ ...found, schemaVersion: 1 }, { access: 'write' }, async (db) => {
      await insertAudit(
        db,
        entries.map((entry) => signAudit(key, { ...usual, ...entry }, Date.now())),
      )
    })
  }
  const actions = (text: string): string[] =>
    [...text.matchAll(/class="what"><span class="mono">([^<]+)</g)].map(([, action = '']) => action)
  const linkOf = (text: string, label: string): string =>
    (new RegExp(`href="([^"]+)"[^>]*>${label}<`).exec(text)?.[1] ?? '').replaceAll('&#38;', '&')

  test('shows what happened, each entry with all that is known of it, and nothing is markup that was not ours', async () => {
    const page = await alice.get(`${LIST}?action=delete_*`)
    expect(page.status).toBe(200)
    expect(actions(page.text)).toEqual(['delete_project'])
    expect(page.text).toContain('2026-03-01 12:00:01.000 UTC')
    expect(page.text).toContain('192.0.2.1')
    expect(page.text).toMatch(/Entries are kept\s+for 400 days/)
    expect(page.text).toContain('&#60;script&#62;alert(1)&#60;/script&#62;')
    expect(page.text).not.toContain('<b>bold</b>')
    expect(page.text).not.toContain('digest-of-arguments')
    expect(page.text).not.toMatch(/<script>|\son\w+="|style="/)
  })

  test('filters stand in the address, and each can be dropped by its chip', async () => {
    const { text } = await alice.get(
      `${LIST}?actor=ann&outcome=ok&since=2026-03-01T12:00&until=2026-03-01T12:01&source=tools`,
    )
    expect(actions(text)).toHaveLength(50)
    expect(text).toMatch(/<input[^>]+id="actor"[^>]+value="ann"/)
    expect(text).toMatch(/<option value="ok" selected>/)
    const without = /href="([^"]+)" aria-label="Remove the filter Who"/.exec(text)?.[1]?.replaceAll('&#38;', '&') ?? ''
    const query = new URL(without, server.url).searchParams
    expect([...query.keys()].sort()).toEqual(['outcome', 'since', 'source', 'until'])
    expect((await alice.get(without)).status).toBe(200)
  })

  test('D34: Older leads on by a cursor that holds sort keys, and the end says so', async () => {
    const seen: string[] = []
    let at = `${LIST}?action=tool_*`
    for (let page = 0; page < 5; page += 1) {
      const { text } = await alice.get(at)
      seen.push(...actions(text))
      const older = linkOf(text, 'Older')
      if (older === '') break
      expect(new URL(older, server.url).searchParams.get('action')).toBe('tool_*')
      at = older
    }
    expect(seen).toEqual(Array.from({ length: COUNT }, (_, index) => `tool_${COUNT - 1 - index}`))
  })

  test('what cannot be looked for is said at its field, and everything typed stays', async () => {
    for (const [query, field] of [
      ['since=yesterday&actor=ann', 'since'],
      ['outcome=splendid&actor=ann', 'outcome'],
      ['action=a*b&actor=ann', 'action'],
    ] as const) {
      const page = await alice.get(`${LIST}?${query}`)
      expect(page.text).toContain(`<a href="#${field}">`)
      expect(page.text).toMatch(/<input[^>]+id="actor"[^>]+value="ann"/)
    }
    expect((await alice.get(`${LIST}?after=forged`)).text).toContain('the cursor is none of ours')
  })

  test('says what to do when nothing is there', async () => {
    expect((await alice.get(`${LIST}?target=nothing`)).text).toContain('Nothing matches')
    const { text } = await bob.get('/console/t/globex_test/audit?source=tools&until=2020-01-01')
    expect(text).toContain('Nothing matches')
    expect((await alice.get(`${LIST}?action=tool_*&after=${LAST}`)).text).toContain('Nothing older')
  })

  test('another organisation’s admin is shown nothing of it, and a viewer gets 403', async () => {
    expect((await bob.get(LIST)).status).toBe(403)
    expect((await carol.get(LIST)).status).toBe(403)
    expect((await carol.get('/console/t/acme_test')).text).not.toContain(`${LIST}"`)
    const csrf = await carol.csrf()
    expect((await carol.post(`${LIST}/export`, { csrf, format: 'csv' })).status).toBe(403)
    const own = await bob.get('/console/t/globex_test/audit?target=only-of-globex')
    expect(actions(own.text)).toEqual(['delete_project'])
    expect((await alice.get(`${LIST}?target=only-of-globex`)).text).toContain('Nothing matches')
  })

  test('D38: an export is an attachment whose cells are no formulas, with the filters of the page', async () => {
    await alice.signIn('alice', { fresh: '1' })
    const csrf = await alice.csrf()
    const answer = await alice.post(`${LIST}/export`, { csrf, format: 'csv', action: 'create_*' })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toMatch(/^text\/csv/)
    expect(answer.headers.get('content-disposition')).toMatch(
      /^attachment; filename="audit-acme_test-\d{4}-\d\d-\d\d\.csv"$/,
    )
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const [header, row, ...more] = answer.text.split('\r\n')
    expect(header).toMatch(/^at,action,/)
    expect(row).toContain(`"'=HYPERLINK(""https://evil.example"")"`)
    expect(more).toEqual([''])
    expect(answer.text).not.toContain('digest-of-arguments')
    const noted = await alice.get(`${LIST}?action=audit.exported`)
    expect(actions(noted.text)).toEqual(['audit.exported'])
    expect(noted.text).toContain('create_*')
  })

  test('D31: an export needs a sign-in of the last five minutes, and leads back to the same filters', async () => {
    const stale = visitor(server)
    await stale.signIn('alice')
    const form = { csrf: await stale.csrf(), format: 'csv', action: 'create_*' }
    const sent = await stale.post(`${LIST}/export`, form)
    expect(sent.status).toBe(303)
    const to = new URL(sent.location ?? '', server.url)
    expect([to.pathname, to.searchParams.get('fresh')]).toEqual(['/console/login', '1'])
    const back = new URL(to.searchParams.get('return_to') ?? '', server.url)
    expect([back.pathname, back.searchParams.get('action')]).toEqual([LIST, 'create_*'])
  })

  test('D31: an export needs the form token and a post from our own page', async () => {
    const csrf = await alice.csrf()
    expect((await alice.post(`${LIST}/export`, { format: 'csv' })).status).toBe(403)
    const foreign = await alice.post(
      `${LIST}/export`,
      { csrf, format: 'csv' },
      { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    )
    expect(foreign.status).toBe(403)
    expect((await alice.get(`${LIST}/export`)).status).toBe(405)
    await alice.signIn('alice', { fresh: '1' })
    const again = { csrf: await alice.csrf(), format: 'exe', action: 'a*' }
    const unknown = await alice.post(`${LIST}/export`, again)
    expect(unknown.status).toBe(422)
    expect(unknown.text).toMatch(/<input[^>]+id="action"[^>]+value="a\*"/)
  })
})
