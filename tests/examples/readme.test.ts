import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packageRoot } from '#base/package.ts'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/until.ts'

/** Not `npm start` and `npm run`, which build first: the tests have built already, and other files read what the build would write. */
const builtAlready = (text: string): string =>
  text
    .replaceAll('npm start', 'exec node dist/src/main.js serve')
    .replaceAll('npm run -s gatehouse -- ', 'node dist/src/main.js ')

let readme: string
let env: Record<string, string>
let ports: readonly [string, string]
const children: ChildProcess[] = []
beforeAll(async () => {
  readme = await readFile(join(packageRoot, 'examples/crm/README.md'), 'utf8')
  ports = [String(await freePort()), String(await freePort())]
  const dataDir = await mkdtemp(join(tmpdir(), 'gatehouse-example-'))
  env = { PATH: process.env['PATH'] ?? '', DATA_DIR: dataDir, PORT: ports[0], API_PORT: ports[1] }
})
afterAll(async () => {
  for (const child of children) child.kill('SIGTERM')
  await until(() => children.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null))
  await rm(env['DATA_DIR'] ?? '', { recursive: true, force: true })
})

/** A block of the page as it stands, but for the ports, which may be taken on this machine. */
function block(name: string): string {
  const [, text] = new RegExp(`<!-- ${name} -->\\n\`\`\`sh\\n([\\s\\S]*?)\`\`\``).exec(readme) ?? []
  if (text === undefined) throw new Error(`examples/crm/README.md has no block ${name}`)
  const sourced = '. examples/crm/environment.sh'
  return builtAlready(text)
    .replaceAll('127.0.0.1:3000', `127.0.0.1:${ports[0]}`)
    .replaceAll(sourced, `${sourced}; UPSTREAM_CRM_URL=http://127.0.0.1:${ports[1]}/v1`)
}

function background(name: string): void {
  // Its last line becomes the shell's own process, so that ending it ends the program.
  const child = spawn(
    'bash',
    [
      '-c',
      block(name)
        .replace(/\nnode /, '\nexec node ')
        .replace(/^node /, 'exec node '),
    ],
    {
      cwd: packageRoot,
      env,
      stdio: 'ignore',
    },
  )
  children.push(child)
}

test('examples/crm/README.md works as it stands: the API, the server, shared credentials, and those of one company', async () => {
  background('api')
  background('server')
  await until(async () => (await fetch(`http://127.0.0.1:${ports[0]}/readyz`)).ok, 90_000)
  const run = promisify(execFile)
  const { stdout } = await run('bash', ['-c', `${block('shared')}\n${block('own')}`], { cwd: packageRoot, env })
  const said = stdout.split('\n')
  expect(said[0]).toMatch(/^"text":"- Ada Lovelace <ada@example\.com>, id /)
  expect(said[1]).toMatch(/^"text":"Added Alan Turing, id /)
  expect(said[2]).toMatch(/^"text":"- Alan Turing </)
  expect(stdout).toMatch(/^credentials +own$/m)
  expect(stdout).toMatch(/^status +200$/m)
  expect(said.at(-3)).toMatch(/^"text":"- Grace Hopper </)
  expect(said.at(-2)).toMatch(/^"text":"- Alan Turing </)
}, 180_000)
