/**
 * `npm run mutate`: changes the source in thousands of small ways, one at a time, and looks whether a test notices.
 * `npm run mutate -- identity tenancy` runs these rooms only, with their parts; a path (`src/identity/jwt.ts`) only that file or folder, with the tests
 * of its room; paths of one room go together with commas between them.
 * `checks`, a room among them, removes each check of a token and looks whether the attack table notices (removed-checks.ts).
 * MUTATE_CONCURRENCY: test runners at a time (2). Ends with 1 when less than LEAST percent is noticed, in a room or in all, or one removed check is not.
 */
import { Stryker } from '@stryker-mutator/core'
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { removeChecks } from './removed-checks.ts'
import { filesOf, LEAST, roomOf, rooms } from './rooms.ts'
import { scoreOf, tellMutant, tellScore, type Mutant } from './score.ts'

const CHECKS = 'checks'
const withParts = (name: string): string[] =>
  name in rooms ? Object.keys(rooms).filter((room) => room === name || room.startsWith(`${name}-`)) : [name]
const names = process.argv.length > 2 ? process.argv.slice(2).flatMap(withParts) : [CHECKS, ...Object.keys(rooms)]
const jobs = names
  .filter((name) => name !== CHECKS)
  .map((name) => {
    const own = rooms[name]
    if (own !== undefined) return { name, room: name, files: filesOf(own) }
    const paths = name.split(',')
    const room = roomOf(paths[0] ?? '')
    if (room === undefined)
      throw new Error(`${name} is neither a room (${[CHECKS, ...Object.keys(rooms)].join(', ')}) nor in one`)
    return { name, room, files: paths.map((path) => (path.endsWith('.ts') ? path : `${path}/**/*.ts`)) }
  })

if (names.includes(CHECKS)) {
  const unnoticed = await removeChecks()
  console.log(`\nremoved checks that the attack table does not notice: ${unnoticed}\n`)
  if (unnoticed > 0) process.exitCode = 1
}

const all: Mutant[] = []
const lines: string[] = []
for (const { name, room, files } of jobs) {
  const start = performance.now()
  const mutants = await mutate(room, files)
  const score = scoreOf(mutants)
  for (const mutant of score.survivors) tell(mutant)
  all.push(...mutants)
  lines.push(tellScore(name, score, (performance.now() - start) / 1000))
  console.log(lines.at(-1))
  if (score.percent < LEAST) process.exitCode = 1
}
const total = scoreOf(all)
if (jobs.length > 0) console.log(['', ...lines, tellScore('total', total, performance.now() / 1000)].join('\n'))
if (total.percent < LEAST) process.exitCode = 1
if (process.exitCode === 1) console.log(`unnoticed checks, or less than ${LEAST} % noticed`)

function tell(mutant: Mutant): void {
  console.log(tellMutant(mutant, relative('.', mutant.fileName), readFileSync(mutant.fileName, 'utf8')))
}

async function mutate(room: string, files: readonly string[]): Promise<Mutant[]> {
  process.env['MUTATE_ROOM'] = room
  const stryker = new Stryker({
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner', './tests/mutation/operator-text.js'],
    ignorers: ['operator-text'],
    mutate: [...files],
    vitest: { configFile: 'tests/mutation/vitest.config.ts', related: false },
    coverageAnalysis: 'perTest',
    concurrency: Number(process.env['MUTATE_CONCURRENCY'] ?? 2),
    // TypeScript 7 has no API that Stryker knows: it must not look for a tsconfig.
    tsconfigFile: 'none.json',
    disableTypeChecks: false,
    // Beside package.json, as its `imports` count for what lies beneath; git does not look there.
    tempDirName: 'dist-mutation',
    cleanTempDir: 'always',
    ignorePatterns: ['docs', '.gatehouse', 'dist*', 'coverage'],
    // A busy machine shall not pass for a mutant that never ends.
    timeoutMS: 30_000,
    timeoutFactor: 3,
    reporters: ['progress-append-only'],
    logLevel: 'warn',
    fileLogLevel: 'off',
    allowConsoleColors: false,
  } as ConstructorParameters<typeof Stryker>[0])
  return await stryker.runMutationTest()
}
