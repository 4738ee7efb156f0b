import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packageRoot } from '#base/package.ts'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/until.ts'
import { installedFolder, type InstalledFolder } from './installed-folder.ts'

const run = promisify(execFile)
const page = async (name: string): Promise<string> => await readFile(join(packageRoot, 'docs', name), 'utf8')

let folder: InstalledFolder
let tutorial: string
let env: Record<string, string>
let port: string
const children: ChildProcess[] = []
beforeAll(async () => {
  tutorial = await page('tools/tutorial.md')
  folder = await installedFolder(block('install'))
  port = String(await freePort())
  // From here on nothing is fetched: `npx gatehouse` is what was installed, or an error.
  env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder.path,
    PORT: port,
    npm_config_offline: 'true',
    npm_config_yes: 'false',
  }
}, 300_000)
afterAll(async () => {
  for (const { pid } of children) if (pid !== undefined) endGroup(pid)
  await until(() => children.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null), 40_000)
  await folder?.remove()
}, 60_000)

/** npx does not pass a signal on to what it started. */
function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGTERM')
  } catch {
    // It has ended already.
  }
}

function block(name: string, text = tutorial, language = 'sh'): string {
  const [, found] = new RegExp(`<!-- ${name} -->\\n\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(text) ?? []
  if (found === undefined) throw new Error(`there is no block ${name}`)
  return found
}
/** What the page says that a command says. */
const said = (name: string): readonly string[] =>
  here(block(`${name} says`, tutorial, 'text'))
    .trim()
    .split('\n')
const here = (text: string): string => text.replaceAll('127.0.0.1:3000', `127.0.0.1:${port}`)
const shell = async (script: string): Promise<string> => await folder.shell(here(script), env)
const linesOf = (text: string): readonly string[] => text.trim().split('\n')
/** Those lines that the page shows too, in the order in which they came; without how long something took. */
const shownOf = (name: string, output: string): readonly string[] =>
  linesOf(output)
    .map((line) => line.replace(/ \([\d.]+ms\)$/, ''))
    .filter((line) => said(name).includes(line))
const FUNCTION = /^call\(\) \{\n[\s\S]*?^\}\n/m

test('every command of the tutorial is run here, and what it says is on the page', () => {
  const names = ['new', 'test', 'serve', 'call', 'change', 'migrate']
  expect([...tutorial.matchAll(/^<!-- (.+) -->$/gm)].map(([, name]) => name)).toEqual([
    'install',
    ...names.flatMap((name) => [name, `${name} says`]),
  ])
  expect(tutorial.match(/^```sh$/gm)).toHaveLength(names.length + 1)
})

test('the package is really installed: all of it from its tarball and the registry, nothing linked, and nothing that it needs is missing', async () => {
  expect(block('install')).toBe('npm init -y\nnpm install gatehouse\n')
  expect((await readdir(folder.path)).toSorted()).toEqual(['node_modules', 'package-lock.json', 'package.json'])
  expect(await folder.strangers()).toEqual([])
  // Fails for a package that is missing, or that is there without being asked for.
  await shell('npm ls --all --omit=dev')
  const manifest = JSON.parse(await readFile(join(folder.path, 'package.json'), 'utf8')) as { dependencies: object }
  expect(manifest.dependencies).toEqual({ gatehouse: expect.stringMatching(/^file:.*gatehouse-[\d.]+\.tgz$/) })
})

test('the tutorial works word for word against the packed package, in an empty folder, and each command says what the page says', async () => {
  expect(linesOf(await shell(block('new')))).toEqual(said('new'))
  expect(shownOf('test', await shell(block('test')))).toEqual(said('test'))

  const server = spawn('bash', ['-c', block('serve')], {
    cwd: folder.path,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  children.push(server)
  let output = ''
  for (const stream of [server.stdout, server.stderr])
    stream.on('data', (piece: Buffer) => (output += piece.toString()))
  await until(() => {
    if (server.exitCode !== null) throw new Error(`the server ended:\n${output}`)
    return said('serve').every((line) => linesOf(output).includes(line))
  }, 120_000)
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200)

  // One terminal for both, as on the page.
  const [calls = '', change = ''] = (await shell(`${block('call')}echo =\n${block('change')}`)).split('=\n')
  expect(linesOf(calls)).toEqual(said('call'))
  expect(linesOf(change)).toEqual(said('change'))

  const tool = join(folder.path, 'tools', 'keep-note.ts')
  const good = await readFile(tool, 'utf8')
  await writeFile(tool, `${good}\nconst = 1\n`)
  await until(() => /what was there before stays/.test(output) && /keep-note\.ts:\d+:\d+/.test(output), 20_000)
  const [terminal = ''] = FUNCTION.exec(block('call')) ?? []
  expect(await shell(`${terminal}call bob@globex.test '{"text":"Rum"}'`)).toBe(
    '"text":"Remembered. There are 2 now."\n',
  )
  await writeFile(tool, good)
  expect(shownOf('migrate', await shell(block('migrate')))).toEqual(said('migrate'))
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
