import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packageRoot } from '#base/package.ts'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/until.ts'
import { packedFolder, type PackedFolder } from './package-folder.ts'

const run = promisify(execFile)
const page = async (name: string): Promise<string> => await readFile(join(packageRoot, 'docs', name), 'utf8')

let folder: PackedFolder
let tutorial: string
let env: Record<string, string>
let port: string
const children: ChildProcess[] = []
beforeAll(async () => {
  folder = await packedFolder()
  // npm keeps the mode of what `bin` names.
  await chmod(join(folder.path, 'node_modules/gatehouse/dist/src/main.js'), 0o755)
  tutorial = await page('tools/tutorial.md')
  port = String(await freePort())
  env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder.path,
    PORT: port,
    npm_config_offline: 'true',
    npm_config_yes: 'false',
  }
}, 120_000)
afterAll(async () => {
  for (const child of children) child.kill('SIGTERM')
  await until(() => children.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null), 40_000)
  await folder.remove()
}, 60_000)

function block(name: string, text = tutorial, language = 'sh'): string {
  const [, found] = new RegExp(`<!-- ${name} -->\\n\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(text) ?? []
  if (found === undefined) throw new Error(`there is no block ${name}`)
  return found
}
const shell = async (script: string): Promise<string> => {
  const { stdout } = await run('bash', ['-e', '-c', script.replaceAll('127.0.0.1:3000', `127.0.0.1:${port}`)], {
    cwd: folder.path,
    env,
  })
  return stdout
}

test('the tutorial works word for word against the packed package, in an empty folder', async () => {
  // The package is in place already: what npm would fetch is not asked of the network here.
  expect(block('install')).toBe('npm init -y\nnpm install gatehouse\n')
  await shell('npm init -y')
  expect((await shell(block('new'))).split('\n').toSorted()).toEqual(
    ['', 'tools/keep-note.ts', 'tools/sql/0001_keep_note.sql', 'tools/tests/keep-note.test.ts'].toSorted(),
  )
  expect(await shell(block('test'))).toMatch(/pass 2[\s\S]*fail 0/)

  children.push(
    spawn('bash', ['-c', block('serve').replace('npx gatehouse', 'exec npx gatehouse')], {
      cwd: folder.path,
      env,
      stdio: 'ignore',
      detached: false,
    }),
  )
  await until(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok, 120_000)
  const [call = '', ...lines] = block('call').split(/(?<=^\}\n)/m)
  const said = (await shell(call + lines.join('') + block('change'))).trim().split('\n')
  expect(said).toEqual(
    ['Kept. There are 1 now.', 'Kept. There are 2 now.', 'Kept. There are 1 now.', 'Remembered. There are 3 now.'].map(
      (text) => `"text":"${text}"`,
    ),
  )
  expect(await shell(block('migrate'))).toMatch(/pass 2[\s\S]*fail 0/)
}, 400_000)

test('new tool writes over nothing', async () => {
  await writeFile(join(folder.path, 'mine.js'), 'mine')
  await expect(shell('npx gatehouse new tool mine --dir .')).rejects.toThrow(/is there already/)
  expect(await readFile(join(folder.path, 'mine.js'), 'utf8')).toBe('mine')
  await expect(stat(join(folder.path, 'tests'))).rejects.toThrow(/ENOENT/)
}, 60_000)

test('docs/tools/testing.md shows a test that passes', async () => {
  await writeFile(join(folder.path, 'order.test.mjs'), block('example', await page('tools/testing.md'), 'js'))
  expect(await shell('node --test --test-reporter=spec order.test.mjs')).toMatch(/pass 1[\s\S]*fail 0/)
}, 120_000)

test('docs/library.md shows a program that works: its own route, its own tool, and an end', async () => {
  const own = String(await freePort())
  const program = block('example', await page('library.md'), 'js')
  await writeFile(join(folder.path, 'program.mjs'), program)
  const child = spawn(process.execPath, ['program.mjs'], {
    cwd: folder.path,
    env: { ...env, PORT: own, DATA_DIR: join(folder.path, 'library'), LOG_LEVEL: 'error' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  await until(async () => (await fetch(`http://127.0.0.1:${own}/readyz`)).ok, 120_000)
  expect(await (await fetch(`http://127.0.0.1:${own}/about`)).json()).toEqual({ by: 'us' })
  const { stdout: token } = await run('npx', ['gatehouse', 'dev-token', 'alice@acme.test'], {
    cwd: folder.path,
    env: { ...env, PORT: own, DATA_DIR: join(folder.path, 'library') },
  })
  const response = await fetch(`http://127.0.0.1:${own}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token.trim()}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'say_hello', arguments: { name: 'Ann' } },
    }),
  })
  expect(await response.text()).toContain('Hello Ann')
  child.kill('SIGTERM')
  await until(() => child.exitCode !== null, 40_000)
  expect(child.exitCode).toBe(0)
}, 240_000)

test('the types of the package say what docs/library.md lists', async () => {
  const library = await page('library.md')
  const names = (from: string): readonly string[] =>
    [...(new RegExp(`^\\| \`${from}\` \\| (.*) \\|$`, 'm').exec(library)?.[1] ?? '').matchAll(/`(\w+)`/g)].map(
      ([, name = '']) => name,
    )
  expect(names('gatehouse').length).toBeGreaterThan(15)
  await writeFile(
    join(folder.path, 'types.mts'),
    `import { ${names('gatehouse').join(', ')}, type Gatehouse, type ToolContext } from 'gatehouse'
import { ${names('gatehouse/testing').join(', ')}, type TestAnswer } from 'gatehouse/testing'
export const all = [${[...names('gatehouse'), ...names('gatehouse/testing')].join(', ')}]
export const served: Promise<Gatehouse> = createGatehouse({ tools: {} })
export const tool = defineTool({ title: 'T', description: 'D', scopes: [], access: 'none', input: z.object({ n: z.number() }),
  // @ts-expect-error a number is no text
  run: async ({ n }, context: ToolContext) => { const text: string = n; return text + context.request.id } })
export const asked = (answer: TestAnswer): string => answer.text
`,
  )
  const tsc = join(packageRoot, 'node_modules', 'typescript', 'bin', 'tsc')
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node', 'types.mts']
  const { stdout } = await run(process.execPath, [tsc, ...flags], { cwd: folder.path, env }).catch(
    (error: unknown) => error as { stdout: string },
  )
  expect(stdout).toBe('')
  const exported = JSON.parse(
    await shell(`node -e "import('gatehouse').then((all) => console.log(JSON.stringify(Object.keys(all))))"`),
  ) as string[]
  expect(exported.toSorted()).toEqual([...names('gatehouse')].toSorted())
}, 120_000)
