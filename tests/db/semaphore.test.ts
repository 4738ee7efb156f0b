import { expect, test } from 'vitest'
import { TenantBusy } from '#db/database.ts'
import { TenantSemaphore } from '#db/semaphore.ts'

const make = (options: Partial<{ limit: number; patience: number; maxWaiting: number }> = {}): TenantSemaphore =>
  new TenantSemaphore({ limit: 2, patience: 60_000, maxWaiting: 10, ...options })

test('calls of one tenant are let in first come, first served, and never more at once than the limit', async () => {
  const semaphore = make()
  const order: number[] = []
  let inside = 0
  let most = 0
  await Promise.all(
    Array.from({ length: 10 }, async (_, index) => {
      const leave = await semaphore.enter('tenant_a')
      order.push(index)
      inside += 1
      most = Math.max(most, inside)
      await new Promise((resolve) => setImmediate(resolve))
      inside -= 1
      leave()
    }),
  )
  expect(order).toEqual([...order].sort((a, b) => a - b))
  expect(most).toBe(2)
})

test('a tenant that waits holds up no other', async () => {
  const semaphore = make({ limit: 1 })
  await semaphore.enter('tenant_a')
  const waiting = semaphore.enter('tenant_a')
  const leave = await semaphore.enter('tenant_b')
  leave()
  expect(await Promise.race([waiting.then(() => 'in'), Promise.resolve('waiting')])).toBe('waiting')
})

test('who waits too long, or comes when too many wait, is told that the tenant is busy', async () => {
  const semaphore = make({ limit: 1, patience: 5, maxWaiting: 1 })
  const leave = await semaphore.enter('tenant_a')
  const late = semaphore.enter('tenant_a')
  await expect(semaphore.enter('tenant_a')).rejects.toThrow(TenantBusy)
  await expect(late).rejects.toThrow(TenantBusy)
  leave()
  await expect(semaphore.enter('tenant_a')).resolves.toBeTypeOf('function')
})

test('who gives up while waiting leaves no trace, and the place goes to the next', async () => {
  const semaphore = make({ limit: 1 })
  const leave = await semaphore.enter('tenant_a')
  const gone = new AbortController()
  const given = semaphore.enter('tenant_a', gone.signal)
  const next = semaphore.enter('tenant_a')
  gone.abort(new Error('gone'))
  await expect(given).rejects.toThrow('gone')
  leave()
  await expect(next).resolves.toBeTypeOf('function')
  await expect(semaphore.enter('tenant_a', gone.signal)).rejects.toThrow('gone')
})
