import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packageRoot } from '#base/package.ts'

/** Node's loader hooks do not reach into the test runner, so all of this runs in a process of its own, from the build. */
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authoring-'))
  await mkdir(join(folder, 'shared'))
})
afterAll(async () => await rm(folder, { recursive: true }))

const put = async (name: string, text: string): Promise<void> => await writeFile(join(folder, name), text)
const good = `import { defineTool, z, type ToolContext } from 'gatehouse'
import { hello, type Word } from './shared/words.ts'

export default defineTool({
  title: 'Greet', description: 'Says hello.', scopes: ['greetings:read'], access: 'none', input: z.object({ name: z.string() }),
  run: async ({ name }, _: ToolContext): Promise<Word> => hello + name,
})`
const words = (text: string): string => `export type Word = string\nexport const hello: Word = '${text} '\n`

test('a tool in TypeScript and its helpers run as they stand, what is wrong is told with line and column, and both are read anew', async () => {
  await put('shared/words.ts', words('Hi'))
  await put('greet.ts', good)
  await put('bad-syntax.ts', 'const x: number = 1\nfoo bar\n')
  await put('bad-enum.ts', '\nenum A { B }\n')
  await put('bad-throw.ts', "interface A { x: number }\n\n   throw new Error('out of paper')\n")
  await put('bad-js.js', 'const a = 1\nfoo bar\n')
  const script = `
    import { writeFileSync } from 'node:fs'
    const { createLoader } = await import('${packageRoot}/dist/src/toolkit/load.js')
    const { createLog } = await import('${packageRoot}/dist/src/base/log.js')
    const loader = createLoader({ toolsDir: ${JSON.stringify(folder)}, production: false, log: createLog('silent') })
    const problems = await loader.load().catch((error) => error.problems)
    const none = { tools: new Map(), resources: new Map(), prompts: new Map() }
    const first = await loader.reload(none)
    const say = async ({ definitions }) => await definitions.tools.get('greet').run({ name: 'Ann' })
    const said = [await say(first)]
    writeFileSync(${JSON.stringify(join(folder, 'shared/words.ts'))}, ${JSON.stringify(words('Ho'))})
    const second = await loader.reload(first.definitions)
    said.push(await say(second))
    writeFileSync(${JSON.stringify(join(folder, 'greet.ts'))}, 'enum Broken {}')
    const third = await loader.reload(second.definitions)
    said.push(await say(third))
    console.log(JSON.stringify({ problems, said, last: third.problems }))`
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  const { problems, said, last } = JSON.parse(stdout) as Record<'problems' | 'said' | 'last', string[]>
  expect(problems).toEqual([
    expect.stringContaining('/bad-enum.ts:2:1: TypeScript enum is not supported'),
    expect.stringContaining("/bad-js.js:2:5: Unexpected identifier 'bar'"),
    expect.stringContaining('/bad-syntax.ts:2:5: '),
    expect.stringContaining('/bad-throw.ts:3:10: out of paper'),
  ])
  expect(said).toEqual(['Hi Ann', 'Ho Ann', 'Ho Ann'])
  expect(last.some((problem) => problem.includes('greet.ts:1:1'))).toBe(true)
  expect(stderr).toBe('')
})
