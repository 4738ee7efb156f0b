/**
 * Stryker takes what runs outside of a test for what runs at import, and gives such a mutant every test there is. What the set-up of a
 * test file reaches (beforeAll) concerns that file only: here it is noted as reached by each of its tests.
 */
import { afterAll, beforeAll, inject, type RunnerTask, type RunnerTestSuite } from 'vitest'

type Hits = Record<string, number>

/** What Stryker's set-up file provides, and where its instrumented code counts. */
const told = (name: string): unknown => inject(name as never)
const namespace = String(told('globalNamespace'))
const counted = (): { static: Hits; perTest: Record<string, Hits> } | undefined =>
  Reflect.get(Reflect.get(globalThis, namespace) as object, 'mutantCoverage') as never

if (told('mode') === 'dry-run') {
  let imported: Hits = {}
  beforeAll(() => {
    imported = { ...counted()?.static }
  })
  afterAll((_context, suite) => {
    const hits = counted()
    if (hits === undefined) return
    const setUp = Object.entries(hits.static).filter(([mutant]) => !(mutant in imported))
    for (const id of idsOf(suite)) hits.perTest[id] = { ...Object.fromEntries(setUp), ...hits.perTest[id] }
    for (const [mutant] of setUp) delete hits.static[mutant]
  })
}

/** As Stryker names tests: the file, and all titles in a row. */
function idsOf(task: RunnerTask): string[] {
  if ('tasks' in task) return task.tasks.flatMap(idsOf)
  const titles = [task.name]
  for (let above: RunnerTestSuite | undefined = task.suite; above !== undefined; above = above.suite)
    titles.unshift(above.name)
  return task.mode === 'run' ? [`${task.file.filepath}#${titles.join(' ').trim()}`] : []
}
