import { Session } from 'node:inspector/promises'
import { expect, onTestFinished, test } from 'vitest'
import { Refusal } from '#base/refusal.ts'
import { createOpaqueVerifier } from '#identity/opaque.ts'
import { createTestClock } from './support/clock.ts'
import { makeKey, startIssuer } from './support/issuer.ts'
import { refused } from './support/refused.ts'

/** The attack table asks the same over HTTP with hundreds; here at full size, where nothing but our own code runs. */

/** Bytes of live objects after a full collection. */
async function liveBytes(): Promise<number> {
  const session = new Session()
  session.connect()
  await session.post('HeapProfiler.collectGarbage')
  session.disconnect()
  return process.memoryUsage().heapUsed
}

test('N1: 10,000 distinct kids within 30 s cause one request for keys, and the issuer goes on', async () => {
  const issuer = await startIssuer(makeKey('k1'))
  onTestFinished(async () => await issuer.close())
  const keys = issuer.keySet()
  await keys.warm()
  issuer.clock.advance(31_000)
  const before = issuer.server.hits()
  const codes = await Promise.all(
    Array.from(
      { length: 10_000 },
      async (_, n) => await refused(async () => await keys.key({ alg: 'RS256', kid: `${n}` })),
    ),
  )
  expect(new Set(codes)).toEqual(new Set(['key_unknown']))
  expect(issuer.server.hits() - before).toBe(1)
  expect(await refused(async () => await keys.key({ alg: 'RS256', kid: 'k1' }))).toBe('accepted')
})

test('N5: a key set of 60 MB is cut off after 256 KiB', async () => {
  const issuer = await startIssuer(makeKey('k1'))
  onTestFinished(async () => await issuer.close())
  let taken = 0
  const closed = new Promise<void>((resolve) => {
    issuer.server.answer((_, response) => {
      response.on('close', resolve)
      response.writeHead(200, { 'content-type': 'application/json' })
      const piece = Buffer.alloc(64 * 1024, ' ')
      const write = (): void => {
        while (taken < 60 * 1024 * 1024 && !response.destroyed) {
          taken += piece.length
          if (!response.write(piece)) {
            response.once('drain', write)
            return
          }
        }
        response.end()
      }
      write()
    })
  })
  expect(await refused(async () => await issuer.keySet().warm())).toBe('provider_unavailable')
  await closed
  // What lies in the socket buffers of both sides is sent but not read; they hold some MB at most, never the 60.
  expect(taken).toBeLessThan(16 * 1024 * 1024)
})

test('N16: 100,000 distinct garbage tokens leave the good ones cached and the memory bounded', async () => {
  let asked = 0
  const tokens = createOpaqueVerifier<{ readonly sub: string }>({
    provider: 'oidc',
    clock: createTestClock(),
    async check(token) {
      asked += 1
      if (!token.startsWith('good')) throw new Refusal('token_inactive', { detail: 'judged' })
      return { value: { sub: token }, exp: null }
    },
  })
  const good = Array.from({ length: 100 }, (_, n) => `good-${n}`)
  for (const token of good) await tokens.verify(token)
  const flood = async (from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n += 200) {
      const wave = Array.from({ length: 200 }, (_, at) => `garbage-${n + at}`)
      const codes = await Promise.all(wave.map(async (token) => await refused(async () => await tokens.verify(token))))
      expect(new Set(codes)).toEqual(new Set(['token_inactive']))
    }
  }
  // The cache of refusals is full after this.
  await flood(0, 10_000)
  const full = await liveBytes()
  await flood(10_000, 100_000)
  expect((await liveBytes()) - full).toBeLessThan(4 * 1024 * 1024)
  const before = asked
  for (const token of good) expect(await tokens.verify(token)).toEqual({ sub: token })
  expect(asked).toBe(before)
  expect(asked).toBe(100_100)
})
