import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { packageRoot } from '#base/package.ts'
import { join } from 'node:path'
import { rooms } from './rooms.ts'
import { scoreOf, tellMutant, type Mutant } from './score.ts'

const SOURCE = "const a = 1\nconst b = f('x',\n  'y')\n"
const mutant = (status: Mutant['status'], more: Partial<Mutant> = {}): Mutant => ({
  id: '1',
  fileName: '/x/a.ts',
  mutatorName: 'NumericLiteral',
  replacement: '2',
  location: { start: { line: 1, column: 11 }, end: { line: 1, column: 12 } },
  status,
  ...more,
})

test('a mutant that no test reaches counts as one that survived, one that cannot run counts as none', () => {
  const states = ['Killed', 'Killed', 'Timeout', 'Survived', 'NoCoverage', 'Ignored', 'RuntimeError'] as const
  const score = scoreOf(states.map((status) => mutant(status)))
  expect(score).toMatchObject({ valid: 5, noticed: 3, timeouts: 1, percent: 60 })
  expect(score.survivors.map(({ status }) => status)).toEqual(['Survived', 'NoCoverage'])
})

test('a survivor is told by place and by what became what', () => {
  expect(tellMutant(mutant('Survived'), 'a.ts', SOURCE)).toBe('survived  a.ts:1:11 NumericLiteral: 1  ->  2')
  const call = { start: { line: 2, column: 11 }, end: { line: 3, column: 7 } }
  expect(tellMutant(mutant('NoCoverage', { location: call }), 'a.ts', SOURCE)).toBe(
    "unreached a.ts:2:11 NumericLiteral: f('x', 'y')  ->  2",
  )
})

test.each(Object.entries(rooms))('the room %s has source', (_, { source }) => {
  expect(existsSync(join(packageRoot, source))).toBe(true)
})
