import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { canonicalJson } from '#base/canonical.ts'
import { auditKey, auditMac, signAudit, type AuditEntry } from '#tenancy/audit.ts'
import { cursorOf, encodeCursor } from '#toolkit/cursor.ts'

const cursor = cursorOf({ id: z.uuid(), rank: z.number() })

test('D34: a cursor reads back as it was written', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.double({ noNaN: true, noDefaultInfinity: true }), (id, rank) => {
      // JSON has one zero.
      expect(cursor.parse(encodeCursor({ id, rank }))).toEqual({ id, rank: rank + 0 === 0 ? 0 : rank })
    }),
  )
})

test('D34: any other text is an invalid argument, never an error, and never more than sort keys', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.base64String(),
    fc.json().map((json) => Buffer.from(json).toString('base64url')),
    fc.dictionary(fc.constantFrom('id', 'rank', 'tenant', '__proto__', 'limit'), fc.jsonValue()).map(encodeCursor),
    fc.tuple(fc.uuid(), fc.jsonValue()).map(([id, rank]) => encodeCursor({ id, rank })),
    fc.string({ minLength: 1_025, maxLength: 1_030 }),
  )
  fc.assert(
    fc.property(text, (given) => {
      const read = cursor.safeParse(given)
      if (read.success) expect(Object.keys(read.data).sort()).toEqual(['id', 'rank'])
      else expect(read.error.issues.length).toBeGreaterThan(0)
    }),
    { numRuns: 1_000 },
  )
})

/** JSON has one zero, and no -0. */
const value = fc.jsonValue().map((any): unknown => JSON.parse(JSON.stringify(any)))

/** The same value, its members in another order. */
const turned = (any: unknown): unknown =>
  Array.isArray(any)
    ? any.map(turned)
    : typeof any === 'object' && any !== null
      ? Object.fromEntries(
          Object.entries(any)
            .toReversed()
            .map(([name, member]) => [name, turned(member)]),
        )
      : any

test('canonical JSON is the same for the same value, whatever the order, and reads back as it', () => {
  fc.assert(
    fc.property(value, (any) => {
      expect(canonicalJson(turned(any))).toBe(canonicalJson(any))
      expect(JSON.parse(canonicalJson(any))).toEqual(any)
    }),
  )
})

test('canonical JSON of two values is the same only when they are equal', () => {
  fc.assert(
    fc.property(value, value, (a, b) => {
      const equal = JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
      expect(canonicalJson(a) === canonicalJson(b)).toBe(equal)
    }),
  )
})

/** Equality by lists instead of objects. */
const sorted = (any: unknown): unknown =>
  Array.isArray(any)
    ? any.map(sorted)
    : typeof any === 'object' && any !== null
      ? {
          members: Object.entries(any)
            .toSorted(([a], [b]) => (a < b ? -1 : 1))
            .map(([name, member]) => [name, sorted(member)]),
        }
      : any

const text = fc.option(fc.string({ unit: 'binary', maxLength: 80 }))
const entry: fc.Arbitrary<AuditEntry> = fc.record({
  at: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  tenant_id: fc.option(fc.uuid()),
  iss: text,
  sub: text,
  key_id: text,
  action: fc.string(),
  target: text,
  outcome: fc.constantFrom('ok' as const, 'refused' as const, 'failed' as const),
  latency_ms: fc.option(fc.nat()),
  request_id: text,
  ip: text,
  detail: fc.option(fc.dictionary(fc.string(), fc.jsonValue())),
  arguments_digest: text,
})
const key = auditKey('a session secret for the properties, 0123456789', 'tenant_a')

test('D35: whatever happened is signed as it can be stored, and verifies as it is read back', () => {
  fc.assert(
    fc.property(entry, (happened) => {
      const { mac, ...row } = signAudit(key, happened, 1_700_000_000_000)
      const stored = JSON.parse(JSON.stringify(row)) as typeof row
      expect(auditMac(key, { ...stored, detail: turned(stored.detail) as typeof stored.detail })).toBe(mac)
      expect(JSON.stringify(stored)).not.toMatch(/\\u0000|\\ud[89a-f]/i)
    }),
  )
})

test('D35: a change of any column, another schema or another secret does not verify', () => {
  const columns = ['iss', 'sub', 'key_id', 'action', 'target', 'request_id', 'ip', 'arguments_digest'] as const
  fc.assert(
    fc.property(entry, fc.constantFrom(...columns), fc.string({ minLength: 1 }), (happened, column, more) => {
      const { mac, ...row } = signAudit(key, happened, 1_700_000_000_000)
      expect(auditMac(key, { ...row, [column]: `${row[column] ?? ''}${more}` })).not.toBe(mac)
      expect(auditMac(key, { ...row, at: row.at + 1 })).not.toBe(mac)
      expect(auditMac(key, { ...row, detail: { ...row.detail, [`${more}!`]: 'new' } })).not.toBe(mac)
      expect(auditMac(auditKey('a session secret for the properties, 0123456789', 'tenant_b'), row)).not.toBe(mac)
      expect(auditMac(auditKey('another session secret for the properties, 012345', 'tenant_a'), row)).not.toBe(mac)
    }),
  )
})

test('D35: text cannot move from one column into the next', () => {
  fc.assert(
    fc.property(entry, fc.string({ minLength: 1 }), (happened, moved) => {
      const { mac: _, ...row } = signAudit(key, happened, 1_700_000_000_000)
      const left = auditMac(key, { ...row, iss: `a${moved}`, sub: 'b' })
      expect(auditMac(key, { ...row, iss: 'a', sub: `${moved}b` })).not.toBe(left)
      expect(auditMac(key, { ...row, iss: null })).not.toBe(auditMac(key, { ...row, iss: 'null' }))
    }),
  )
})
