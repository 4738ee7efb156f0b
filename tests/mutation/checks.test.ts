import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '#base/package.ts'
import { claims } from '../attack/rows/claims.ts'
import { jose } from '../attack/rows/jose.ts'
import { checks } from './checks.ts'

test.each(checks)('$rows: the source still checks: $check', ({ file, find, replace, rows }) => {
  const parts = readFileSync(join(packageRoot, file), 'utf8').split(find)
  expect(parts).toHaveLength(2)
  expect(replace).not.toBe(find)
  const known = [...jose, ...claims].map(({ id }) => id)
  expect(rows.filter((row) => !known.includes(row))).toEqual([])
})

test('every attack that jose lets through by itself has a check that can be removed', () => {
  const named = new Set(checks.filter(({ jose }) => jose === 'accepts').flatMap(({ rows }) => rows))
  // J24 (ROCA keys) is not found out, C10 (a fraction) is accepted: tests/attack/README.md.
  expect([...named]).toEqual(
    expect.arrayContaining(['J6', 'J10', 'J11', 'J12', 'J13', 'J17', 'J20', 'J25', 'C9', 'C14', 'C15', 'C16']),
  )
})
