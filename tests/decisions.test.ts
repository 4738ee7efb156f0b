import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** The security decisions; docs/decisions.md holds their text. Each has a test named after it. */
const IN_SCOPE = Array.from({ length: 40 }, (_, index) => index + 1)

test('each security decision in scope has a test named after it', () => {
  const here = fileURLToPath(new URL('.', import.meta.url))
  const sources = readdirSync(here, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('\n')
  const named = new Set([...sources.matchAll(/\(\s*['"`]D(\d+)\b/g)].map((match) => Number(match[1])))
  expect(IN_SCOPE.filter((number) => !named.has(number))).toEqual([])
  expect(named.size).toBeGreaterThanOrEqual(IN_SCOPE.length)
})
