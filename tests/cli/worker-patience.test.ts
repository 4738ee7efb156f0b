import { expect, test } from 'vitest'
import { createPatience } from '#cli/worker-patience.ts'

test('a worker that dies again and again is started again ever later, and never given up', () => {
  const patience = createPatience()
  const waits = Array.from({ length: 10 }, () => patience({ listened: true, lived: 1_000 }))
  expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000])
})

test('after one that lived for a minute it begins anew', () => {
  const patience = createPatience()
  for (let i = 0; i < 5; i++) patience({ listened: true, lived: 0 })
  expect(patience({ listened: true, lived: 60_000 })).toBe(100)
})

test('the fifth start in a row that fails is the last; one that listened in between takes the count back', () => {
  const patience = createPatience()
  const fail = (): number | null => patience({ listened: false, lived: 10 })
  for (let i = 0; i < 4; i++) expect(fail()).not.toBeNull()
  expect(patience({ listened: true, lived: 10 })).not.toBeNull()
  for (let i = 0; i < 4; i++) expect(fail()).not.toBeNull()
  expect(fail()).toBeNull()
})
