import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Purpose } from '#base/derive.ts'
import { createSeal, type SealOptions } from '#base/seal.ts'

const PURPOSES: readonly Purpose[] = [
  'request-state',
  'registration',
  'flow',
  'code',
  'refresh',
  'consent',
  'csrf',
  'session',
  'invitation',
]
const NOW = 1_800_000_000
const at = (time: number): { now(): number } => ({ now: () => time * 1000 })
const sealOf = (options: Partial<SealOptions<unknown>> = {}) =>
  createSeal({
    purpose: 'flow',
    issuer: 'https://mcp.example.com',
    schema: z.unknown(),
    life: 600,
    secrets: ['a secret of at least 32 characters ...'],
    clock: at(NOW),
    ...options,
  })

const purpose = fc.constantFrom(...PURPOSES)
/** What JSON keeps: it has one zero. */
const value = fc.jsonValue().map((any): unknown => JSON.parse(JSON.stringify(any)))

test('D25: a sealed value comes back as it was, for its purpose, issuer and binding', () => {
  fc.assert(
    fc.property(purpose, value, fc.string(), (of, inside, binding) => {
      const seal = sealOf({ purpose: of })
      expect(seal.open(seal.seal(inside, binding), binding)).toEqual(inside)
    }),
  )
})

test('D25: a sealed value never opens for another purpose, issuer, binding or secret', () => {
  fc.assert(
    fc.property(purpose, purpose, fc.string(), fc.string(), (of, other, binding, another) => {
      const text = sealOf({ purpose: of }).seal({ inside: true }, binding)
      if (other !== of) expect(sealOf({ purpose: other }).open(text, binding)).toBeNull()
      if (another !== binding) expect(sealOf({ purpose: of }).open(text, another)).toBeNull()
      expect(sealOf({ purpose: of, issuer: 'https://other.example.com' }).open(text, binding)).toBeNull()
      expect(sealOf({ purpose: of, secrets: ['another secret of 32 characters .....'] }).open(text, binding)).toBeNull()
    }),
  )
})

test('D25: a sealed value lives from its making to its end, and 30 s of clock difference before', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: -50_000, max: 50_000 }), (life, later) => {
      const text = sealOf({ life }).seal('x')
      const opened = sealOf({ life, clock: at(NOW + later) }).open(text)
      expect(opened).toBe(later >= -30 && later < life ? 'x' : null)
    }),
    { numRuns: 500 },
  )
})

test('D25: a sealed value with any one character changed, cut or added does not open', () => {
  const seal = sealOf()
  fc.assert(
    fc.property(value, fc.nat(), fc.string({ minLength: 1, maxLength: 3 }), (inside, place, other) => {
      // An object, so that what is inside is never null, the word for "does not open".
      const text = seal.seal({ inside })
      const index = place % text.length
      for (const changed of [
        text.slice(0, index) + other + text.slice(index + 1),
        text.slice(0, index) + other + text.slice(index),
        text.slice(0, index),
      ])
        expect(changed === text ? null : seal.open(changed)).toBeNull()
    }),
    { numRuns: 1_000 },
  )
})

test('D25: any text of a stranger is null, never an error', () => {
  const seal = sealOf({ schema: z.strictObject({ who: z.string() }) })
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.base64String().map((text) => `v1.${text.replaceAll('=', '')}`),
      ),
      (text) => {
        expect(seal.open(text)).toBeNull()
      },
    ),
    { numRuns: 1_000 },
  )
})

test('D25: what is inside must have the shape of this program; every secret of the list opens, the first seals', () => {
  const strict = z.strictObject({ who: z.string() })
  const text = sealOf().seal({ who: 'ann', more: 1 })
  expect(sealOf({ schema: strict }).open(text)).toBeNull()
  const old = sealOf({ secrets: ['old secret of at least 32 characters ..'] })
  const both = sealOf({
    secrets: ['new secret of at least 32 characters ..', 'old secret of at least 32 characters ..'],
  })
  expect(both.open(old.seal('x'))).toBe('x')
  expect(old.open(both.seal('x'))).toBeNull()
  expect(() => sealOf({ secrets: [] })).toThrow('no SESSION_SECRET')
})
