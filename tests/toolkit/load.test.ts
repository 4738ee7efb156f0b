import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConfigError } from '#base/config.ts'
import { packageRoot } from '#base/package.ts'
import { loadTools } from '#toolkit/load.ts'
import { builtIn, listening, silent } from './desk.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tools-'))
})
afterEach(async () => {
  await chmod(folder, 0o755)
  await rm(folder, { recursive: true, force: true })
})

/** A tool's file, with `fields` written over those of a good one. Vitest does not know Node's loader hooks, hence the path. */
const source = (fields = '', gatehouse = `${packageRoot}/src/index.ts`): string => `
  import { defineTool, z } from '${gatehouse}'
  export default defineTool({
    title: 'Greet', description: 'Says hello.', scopes: ['greetings:read'], access: 'read',
    input: z.object({ name: z.string() }), run: async ({ name }) => 'Hello ' + name, ${fields}
  })`

const put = async (name: string, text: string, mode = 0o644): Promise<void> =>
  await writeFile(join(folder, name), text, { mode })

async function problems(production = false, toolsDir = folder): Promise<string> {
  try {
    await loadTools({ toolsDir, production, log: silent })
    return ''
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.join('\n')
    throw error
  }
}

test('a file greet-person.js in TOOLS_DIR is the tool greet_person, beside the built-in ones', async () => {
  await put('greet-person.js', source())
  await put('README.md', 'not a tool')
  await mkdir(join(folder, 'helpers'))
  await writeFile(join(folder, 'helpers', 'words.js'), 'export const hello = 1')
  const tools = await loadTools({ toolsDir: folder, production: false, log: silent })
  expect(tools.get('greet_person')?.title).toBe('Greet')
  expect(tools.size).toBe((await builtIn()).size + 1)
})

test("an operator's file may import 'gatehouse' wherever its folder lies, and gets this very program's", async () => {
  await put('greet-person.js', source('', 'gatehouse'))
  const script = `
    const { loadTools } = await import('#toolkit/load.ts')
    const { createLog } = await import('#base/log.ts')
    const tools = await loadTools({ toolsDir: ${JSON.stringify(folder)}, production: false, log: createLog('silent') })
    console.log(await tools.get('greet_person').run({ name: 'Ann' }))`
  const flags = ['--conditions=gatehouse-source', '--import', 'tsx', '--input-type=module', '-e', script]
  const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: packageRoot })
  expect(stdout).toBe('Hello Ann\n')
})

describe('a bad tool stops the boot', () => {
  test.each([
    ['a name that is no kebab-case', 'GreetPerson.js', source(), 'create-project.js'],
    ['the name of another tool', 'create-project.js', source(), 'another tool create_project'],
    ['an export that defineTool did not make', 'greet.js', 'export default { title: "x" }', 'defineTool'],
    ['no default export', 'greet.js', 'export const x = 1', 'defineTool'],
    ['code that throws', 'greet.js', 'throw new Error("out of paper")', 'out of paper'],
    ['no description', 'greet.js', source("description: ' '"), 'no description'],
    ['no title', 'greet.js', source("title: ''"), 'no title'],
    ['an unknown access', 'greet.js', source("access: 'admin'"), "'none', 'read' or 'write'"],
    ['a scope of no known form', 'greet.js', source("scopes: ['everything']"), 'projects:read'],
    ['a time limit beyond five minutes', 'greet.js', source('timeout: 300001'), '300000'],
    ['an input that is no object', 'greet.js', source('input: z.string()'), 'input must be'],
    [
      'an output without JSON Schema',
      'greet.js',
      source('output: z.object({ at: z.date() })'),
      'output has no JSON Schema',
    ],
  ])('%s', async (_, name, text, problem) => {
    await put(name, text)
    expect(await problems()).toContain(problem)
  })

  test('D12: a tool without scopes does not load unless it needs no database', async () => {
    await put('greet.js', source('scopes: []'))
    await put('write.js', source("scopes: [], access: 'write'"))
    const found = await problems()
    expect(found).toContain('greet.js: without scopes')
    expect(found).toContain('write.js: without scopes')
    await rm(join(folder, 'greet.js'))
    await rm(join(folder, 'write.js'))
    await put('free.js', source("scopes: [], access: 'none'"))
    expect(await problems()).toBe('')
  })

  test('all problems are told at once', async () => {
    await put('a.js', source("title: '', description: ''"))
    await put('b.js', 'export default 1')
    expect((await problems()).split('\n')).toHaveLength(3)
  })
})

describe('D5: TOOLS_DIR is code and is looked at before it runs', () => {
  test('D5: a relative path, a missing folder and a file are refused', async () => {
    await put('greet.js', source())
    expect(await problems(false, relative(process.cwd(), folder))).toContain('absolute')
    expect(await problems(false, join(folder, 'nowhere'))).toContain('there is no folder')
    expect(await problems(false, join(folder, 'greet.js'))).toContain('there is no folder')
  })

  test('D5: a link out of the folder is refused and nothing in the folder runs; a link inside is fine', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'outside-'))
    const ran = join(folder, 'ran')
    await writeFile(join(outside, 'evil.js'), source())
    await put('runs.js', `import { writeFileSync } from 'node:fs'\nwriteFileSync(${JSON.stringify(ran)}, '')`)
    await symlink(join(outside, 'evil.js'), join(folder, 'evil.js'))
    expect(await problems()).toContain('evil.js is a link that leads out')
    const { existsSync } = await import('node:fs')
    expect(existsSync(ran)).toBe(false)
    await rm(join(folder, 'evil.js'))
    await rm(join(folder, 'runs.js'))
    await mkdir(join(folder, 'real'))
    await writeFile(join(folder, 'real', 'greet.js'), source())
    await symlink(join(folder, 'real', 'greet.js'), join(folder, 'greet.js'))
    expect(await problems()).toBe('')
    await rm(outside, { recursive: true })
  })

  test("D5: in production what the server's own user may change is refused by its mode bits, for root too", async () => {
    await put('greet.js', source(), 0o644)
    await chmod(folder, 0o555)
    expect(await problems(true)).toContain("greet.js may be changed by the server's own user")
    expect(await problems(false)).toBe('')
    await chmod(join(folder, 'greet.js'), 0o444)
    expect(await problems(true)).toBe('')
    await chmod(folder, 0o755)
    expect(await problems(true)).toContain(". may be changed by the server's own user")
  })

  test('D5: what every user may change is refused in development too', async () => {
    await put('greet.js', source())
    await chmod(join(folder, 'greet.js'), 0o666)
    expect(await problems(false)).toContain('may be changed by every user')
  })

  test('D5: the sha256 of every file is logged, helpers too', async () => {
    const { log, lines } = listening()
    await put('greet.js', source())
    await mkdir(join(folder, 'helpers'))
    await writeFile(join(folder, 'helpers', 'words.js'), 'export const hello = 1')
    await loadTools({ toolsDir: folder, production: false, log })
    const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
    expect(lines.map(({ file, sha256 }) => [file, sha256])).toEqual([
      ['greet.js', sha256(source())],
      ['helpers/words.js', sha256('export const hello = 1')],
    ])
  })
})
