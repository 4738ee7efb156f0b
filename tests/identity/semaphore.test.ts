import { expect, test } from 'vitest'
import { createSemaphore } from '#identity/semaphore.ts'
import { refused } from './support/refused.ts'

const turn = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve))

test('so many run, so many wait in line in their order, and the next is told to come again', async () => {
  const inTurn = createSemaphore(2, 2)
  const begun: number[] = []
  const end: (() => void)[] = []
  const ask = async (n: number): Promise<string> =>
    await refused(
      async () =>
        await inTurn(async () => {
          begun.push(n)
          await new Promise<void>((resolve) => end.push(resolve))
        }),
    )
  const asked = [1, 2, 3, 4].map(ask)
  expect(await ask(5)).toBe('provider_unavailable')
  expect(begun).toEqual([1, 2])
  end.shift()?.()
  await turn()
  expect(begun).toEqual([1, 2, 3])
  // One place in the line is free again.
  asked.push(ask(6))
  expect(await ask(7)).toBe('provider_unavailable')
  while (end.length > 0) {
    end.shift()?.()
    await turn()
  }
  expect(await Promise.all(asked)).toEqual(Array.from({ length: 5 }, () => 'accepted'))
  expect(begun).toEqual([1, 2, 3, 4, 6])
})

test('a place is given back by work that fails, too', async () => {
  const inTurn = createSemaphore(1, 0)
  for (let n = 0; n < 3; n += 1)
    await expect(inTurn(async () => await Promise.reject(new Error('x')))).rejects.toThrow('x')
  expect(await inTurn(async () => 'good')).toBe('good')
})
