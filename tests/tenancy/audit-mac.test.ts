import { expect, test } from 'vitest'
import type { Queryable } from '#db/database.ts'
import { auditKey, auditMac, CONTROL_SCHEMA, insertAudit, signAudit, type AuditEntry } from '#tenancy/audit.ts'

const key = auditKey('a secret', 'tenant_acme')
const entry: AuditEntry = {
  at: 1_700_000_000_000,
  tenant_id: null,
  iss: 'https://issuer.test',
  sub: 'ann',
  key_id: 'k1',
  action: 'create_project',
  target: 't1',
  outcome: 'ok',
  latency_ms: 12,
  request_id: 'r1',
  ip: '192.0.2.1',
  detail: { b: 1, a: 'x' },
  arguments_digest: 'd1',
}

test('D35: each column of a row is under its MAC, and so is the schema that it was written to', () => {
  const row = signAudit(key, entry, 1_700_000_000_500)
  expect(row.mac).toBe(auditMac(key, row))
  expect(row.mac).toMatch(/^[0-9a-f]{64}$/)
  const changes: Partial<typeof row>[] = [
    { id: '0190a000-0000-7000-8000-000000000000' },
    { at: entry.at + 1 },
    { tenant_id: 'x' },
    { iss: 'x' },
    { sub: 'x' },
    { key_id: 'x' },
    { action: 'x' },
    { target: 'x' },
    { outcome: 'failed' },
    { latency_ms: 13 },
    { request_id: 'x' },
    { ip: 'x' },
    { detail: { b: 2, a: 'x' } },
    { detail: null },
    { arguments_digest: 'x' },
  ]
  const macs = [row.mac, ...changes.map((change) => auditMac(key, { ...row, ...change }))]
  expect(new Set(macs).size).toBe(changes.length + 1)
  expect(auditMac(auditKey('a secret', 'tenant_globex'), row)).not.toBe(row.mac)
  expect(auditMac(auditKey('another', 'tenant_acme'), row)).not.toBe(row.mac)
  // In the order of Postgres's jsonb or any other.
  expect(auditMac(key, { ...row, detail: { a: 'x', b: 1 } })).toBe(row.mac)
})

test('D35: rows that were written stay verifiable: the form of what is signed does not change', () => {
  const row = { ...entry, id: '0190a000-0000-7000-8000-000000000000' }
  expect(auditMac(Buffer.alloc(32), row)).toBe(
    // openssl dgst -sha256 -mac HMAC, of ['audit/v1', each column in its order]
    '12f9c15fe9bf4aa86b8131f215dce58391e3e0d9d2e143e491514ff6e7d47d7c',
  )
  // openssl kdf HKDF, salt gatehouse/v1, info of the purpose, NUL and the schema.
  expect(key.toString('hex')).toBe('1eeb395bdf5817be07b97f7bd2d67922606a5f4660ee77e3edba350df74576fe')
  expect(CONTROL_SCHEMA).toBe('gatehouse')
})

test('text is cut and cleaned as Postgres will hold it, and times are whole milliseconds', () => {
  const long = 'x'.repeat(5_000)
  const signed = signAudit(
    key,
    {
      ...entry,
      iss: long,
      sub: long,
      key_id: long,
      action: long,
      target: long,
      request_id: long,
      ip: long,
      arguments_digest: long,
      latency_ms: 12.6,
      detail: { half: '\ud800', nul: 'a\0b', gone: undefined, when: new Date(0) },
    },
    entry.at,
  )
  const lengths = [signed.iss, signed.sub, signed.key_id, signed.action, signed.target, signed.request_id, signed.ip]
  expect([...lengths, signed.arguments_digest].map((text) => text?.length)).toEqual([
    2048, 255, 64, 128, 512, 128, 64, 128,
  ])
  expect(signed.latency_ms).toBe(13)
  expect(signed.detail).toEqual({ half: '\ufffd', nul: 'ab', when: '1970-01-01T00:00:00.000Z' })
  // The half that a cut leaves of a pair goes too; NULs do not count.
  expect(signAudit(key, { ...entry, sub: `\0${'x'.repeat(254)}\u{1F600}` }, 0).sub).toBe(`${'x'.repeat(254)}\ufffd`)
})

test('nothing stays nothing', () => {
  const nothing = { iss: null, sub: null, key_id: null, target: null, latency_ms: null, request_id: null, ip: null }
  expect(signAudit(key, { ...entry, ...nothing, detail: null, arguments_digest: null }, 0)).toMatchObject({
    ...nothing,
    detail: null,
    arguments_digest: null,
  })
})

test('an id tells when the row was written, not when it happened', () => {
  const [early, late] = [signAudit(key, { ...entry, at: 5 }, 1_000), signAudit(key, { ...entry, at: 1 }, 2_000)]
  expect(early.id < late.id).toBe(true)
})

test('rows are written in one statement, and none needs none', async () => {
  const said: (readonly unknown[])[] = []
  const db: Queryable = {
    async query(statement) {
      said.push(statement.values)
      return []
    },
  }
  await insertAudit(db, [])
  expect(said).toEqual([])
  const rows = [signAudit(key, entry, 1), signAudit(key, { ...entry, detail: null, action: 'other' }, 2)]
  await insertAudit(db, rows)
  // Everything of both, by the names of the columns.
  const at = '2023-11-14T22:13:20.000Z'
  expect(said).toEqual([[JSON.stringify(rows.map((row) => ({ ...row, at })))]])
})
