import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auditKey, insertAudit, signAudit, type AuditEntry } from '#tenancy/audit.ts'
import { csvCell } from '#tenancy/audit-export.ts'
import type { AuditFormat } from '#tenancy/audit-export.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { upperKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import { operator, SECRET, startReplica, type Replica } from './support.ts'

const START = Date.parse('2026-03-01T12:00:00Z')

test.each<[string | number | null, string]>([
  [null, ''],
  ['plain', 'plain'],
  ['a,b', '"a,b"'],
  ['say "hi"', '"say ""hi"""'],
  ['two\r\nlines', '"two\r\nlines"'],
  ['=HYPERLINK("https://evil.example")', `"'=HYPERLINK(""https://evil.example"")"`],
  ['+1', "'+1"],
  ['-1', "'-1"],
  [-1, "'-1"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\t=1', "'\t=1"],
  ['\r=1', `"'\r=1"`],
  ['\n=1', `"'\n=1"`],
  ['\uFF1D1', "'\uFF1D1"],
  ['a=1', 'a=1'],
])('D38: the cell %j is written as %j', (value, cell) => {
  expect(csvCell(value)).toBe(cell)
})

/** RFC 4180, as a reader of it would. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  for (const [, quoted, plain = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    if (end === ',') continue
    rows.push(row)
    row = []
  }
  return rows
}

describe.each(upperKinds)('the export of an audit (%s)', (kind) => {
  let fresh: FreshDatabase
  let replica: Replica
  let acme: Tenant
  const COUNT = 2_500

  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    replica = await startReplica(fresh)
    acme = await replica.registry.tenants.create(operator, { slug: 'acme' })
    const key = auditKey(SECRET, acme.schema)
    const entry = (index: number): AuditEntry => ({
      at: START + index,
      tenant_id: acme.id,
      iss: 'https://issuer.test',
      sub: index === 0 ? '=cmd|calc' : 'ann',
      key_id: null,
      action: `call_${index}`,
      target: index === 0 ? '+a "quoted", one' : null,
      outcome: 'ok',
      latency_ms: 1,
      request_id: null,
      ip: null,
      detail: index === 0 ? { reason: 'x,"y"' } : null,
      arguments_digest: 'digest-of-arguments',
    })
    await fresh.database.tenant(acme, { access: 'write' }, async (db) => {
      await insertAudit(
        db,
        Array.from({ length: COUNT }, (_, index) => signAudit(key, entry(index), START)),
      )
    })
  })
  afterAll(async () => await fresh.drop())

  const whole = async (format: AuditFormat, query = {}): Promise<string> => {
    const parts: string[] = []
    const { text } = await replica.registry.audit.export(acme, operator, query, format)
    for await (const part of text) parts.push(part)
    return parts.join('')
  }

  test('NDJSON holds every entry once, the latest first, and no MAC or digest', async () => {
    const text = await whole('ndjson', { source: 'tools' })
    const lines = text.split('\n')
    expect(lines.pop()).toBe('')
    const records = lines.map((line): { action: string } => JSON.parse(line))
    expect(records.map(({ action }) => action)).toEqual(
      Array.from({ length: COUNT }, (_, index) => `call_${COUNT - 1 - index}`),
    )
    expect(text).not.toMatch(/digest|mac"/)
  })

  test('D38: CSV is RFC 4180, and its cells are no formulas', async () => {
    const [header = [], ...rows] = parseCsv(await whole('csv', { source: 'tools' }))
    expect(rows).toHaveLength(COUNT)
    expect(new Set(rows.map(({ length }) => length))).toEqual(new Set([header.length]))
    const last = Object.fromEntries(header.map((name, index) => [name, rows.at(-1)?.[index]]))
    expect(last).toMatchObject({
      at: '2026-03-01T12:00:00.000Z',
      action: 'call_0',
      actor: "'=cmd|calc",
      target: `'+a "quoted", one`,
      detail: '{"reason":"x,\\"y\\""}',
    })
  })

  test('an export has a file name that is safe everywhere, and is recorded with its filters before it begins', async () => {
    const made = await replica.registry.audit.export(acme, operator, { action: 'call_*', until: START + 10 }, 'csv')
    expect(made.filename).toMatch(/^audit-acme-\d{4}-\d{2}-\d{2}\.csv$/)
    expect(made.media_type).toMatch(/^text\/csv/)
    const [noted] = (await replica.registry.audit.list(acme, operator, { action: 'audit.exported' })).items
    expect(noted).toMatchObject({
      actor: { type: 'operator', id: 'tests' },
      detail: { format: 'csv', action: 'call_*', until: '2026-03-01T12:00:00.010Z' },
    })
  })

  test('reads only as it is asked for: whoever stops costs nothing more', async () => {
    const { text } = await replica.registry.audit.export(acme, operator, { source: 'tools' }, 'ndjson')
    let parts = 0
    for await (const part of text) {
      parts += 1
      expect(part.split('\n')).toHaveLength(251)
      break
    }
    expect(parts).toBe(1)
    await expect(fresh.database.ping()).resolves.toBeUndefined()
  })
})
