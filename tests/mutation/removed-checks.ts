import type { Plugin } from 'vite'
import { createVitest, type TestCase } from 'vitest/node'
import { checks, type Check } from './checks.ts'

/** The parts of the attack table that are about one token. */
const TABLE = /^3[bc] /
/** Id and what is sent, of a row that turned red. */
const ROW = /^(\w+): /

/**
 * Takes each check out of the source, one at a time, and runs the attack table: at least one row of it must turn red, and the others, those that
 * are served among them, mostly stay green. Prints a table.
 * @returns how many removals went unnoticed. @throws Error when a row is red with nothing removed, or a text to be replaced is not there once.
 */
export async function removeChecks(some: readonly Check[] = checks): Promise<number> {
  const whole = await attack(null)
  if (whole.red.length > 0) throw new Error(`red with every check in place: ${whole.red.join('; ')}`)
  console.log(
    `${whole.rows} rows, all green with every check in place\n\n| jose | without this check | red of its rows | red in all |`,
  )
  let unnoticed = 0
  for (const check of some) {
    const { red, rows } = await attack(check)
    const named = red.filter((row) => check.rows.includes(ROW.exec(row)?.[1] ?? ''))
    const noticed = named.length > 0 && red.length < rows / 2
    if (!noticed) unnoticed += 1
    const mark = noticed ? '' : ' UNNOTICED'
    console.log(`| ${check.jose} | ${check.rows.join(' ')} ${check.check} | ${named.length}${mark} | ${red.length} |`)
    if (!noticed) for (const row of red.slice(0, 5)) console.log(`    ${row}`)
  }
  return unnoticed
}

async function attack(check: Check | null): Promise<{ readonly rows: number; readonly red: readonly string[] }> {
  let replaced = 0
  const plugin: Plugin = {
    name: 'remove-check',
    enforce: 'pre',
    transform(code, id) {
      if (check === null || !id.endsWith(`/${check.file}`)) return null
      if (code.split(check.find).length !== 2) throw new Error(`${check.file} does not hold once: ${check.find}`)
      replaced += 1
      return code.replace(check.find, () => check.replace)
    },
  }
  const status = process.exitCode
  const vitest = await createVitest(
    'test',
    { watch: false, reporters: [{}], testNamePattern: TABLE, maxWorkers: 1, silent: true },
    { plugins: [plugin] },
  )
  try {
    const { testModules, unhandledErrors } = await vitest.start(['tests/attack'])
    if (unhandledErrors.length > 0) throw new Error('an error outside of any test', { cause: unhandledErrors[0] })
    const tests = testModules.flatMap((module) => [...module.children.allTests()])
    const ran = tests.filter((test) => test.result().state !== 'skipped')
    if (ran.length < 100)
      throw new Error(`only ${ran.length} rows ran`, { cause: testModules.flatMap((module) => module.errors())[0] })
    if (check !== null && replaced === 0) throw new Error(`${check.file} was not read`)
    return { rows: ran.length, red: ran.filter(isRed).map(({ name }) => name) }
  } finally {
    await vitest.close()
    // A red row is what is wanted here.
    process.exitCode = status
  }
}

const isRed = (test: TestCase): boolean => test.result().state === 'failed'
