import { expect, test } from 'vitest'
import { createStrain } from '#db/strain.ts'

const times = (many: number, work: () => void): void => {
  for (let n = 0; n < many; n++) work()
}

/** A server's strain, and seconds in which a transaction is begun every so many milliseconds. */
function clocked(every: number) {
  let at = 0
  const strain = createStrain(() => at)
  const pass = (seconds: number, begun: number): void =>
    times((seconds * 1_000) / every, () => {
      at += every
      strain.begun(begun)
    })
  return { strain, pass }
}

test('a server is strained while transactions begin much later than they can, and no longer when they begin as before', () => {
  const strain = createStrain()
  times(200, () => strain.begun(0.3))
  expect(strain.strained()).toBe(false)
  times(30, () => strain.begun(3))
  expect(strain.strained()).toBe(true)
  times(60, () => strain.begun(0.3))
  expect(strain.strained()).toBe(false)
})

test('a single late beginning is no strain, nor are the first ones', () => {
  const strain = createStrain()
  strain.begun(0.3)
  times(50, () => strain.begun(20))
  expect(strain.strained()).toBe(false)
  times(200, () => strain.begun(0.3))
  strain.begun(15)
  expect(strain.strained()).toBe(false)
})

test('a server that is further away from now on is not strained for ever', () => {
  const { strain, pass } = clocked(1)
  pass(1, 0.3)
  pass(1, 12)
  expect(strain.strained()).toBe(true)
  // Nor is it forgotten within seconds that it is strained, however much it is asked.
  pass(60, 12)
  expect(strain.strained()).toBe(true)
  pass(600, 12)
  expect(strain.strained()).toBe(false)
})

test('long transactions have little of a share at first, more while the server bears it, and less at once when it does not', () => {
  const { strain, pass } = clocked(20)
  const share = (): number => strain.part(100)
  pass(4, 0.3)
  expect(strain.part(5)).toBe(1)
  expect(share()).toBeCloseTo(20 / 98.8)
  // Grows only while somebody has less than their share.
  pass(10, 0.3)
  expect(share()).toBeCloseTo(20 / 98.8)
  times(100, () => {
    share()
    pass(0.1, 0.3)
  })
  expect(share()).toBeGreaterThan(0.9)
  pass(2, 5)
  expect(share()).toBeCloseTo(10 / 80)
})

test('a tenant whose transactions last as long as their beginning makes them has all of its share, however busy the server is', () => {
  let at = 0
  const strain = createStrain(() => at)
  const pass = (many: number, begun: number): void =>
    times(many, () => {
      at += 20
      strain.begun(begun)
    })
  pass(200, 0.2)
  pass(200, 12)
  expect(strain.strained()).toBe(true)
  expect(strain.part(50)).toBe(1)
  expect(strain.part(200)).toBeLessThan(0.1)
})
