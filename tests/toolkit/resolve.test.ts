import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { packageRoot } from '#base/package.ts'
import { resolvesByItself } from '#toolkit/resolve.ts'

let project: string
let folder: string
beforeEach(async () => {
  project = await realpath(await mkdtemp(join(tmpdir(), 'project-')))
  folder = join(project, 'tools')
  await mkdir(folder)
  await mkdir(join(project, 'node_modules'))
  await symlink(packageRoot, join(project, 'node_modules', 'gatehouse'))
  await manifest('{ "type": "module" }')
})
afterEach(async () => await rm(project, { recursive: true, force: true }))

const manifest = async (text: string): Promise<void> => await writeFile(join(project, 'package.json'), text)

test('JavaScript in a package of ES modules that depends on this very program is left to Node', () => {
  expect(resolvesByItself(folder, ['greet.js', 'ask.mjs', 'helpers/words.js', 'sql/0001_crm.sql'])).toBe(true)
})

test.each([['greet.ts'], ['helpers/words.ts'], ['helpers/package.json']])('%s needs the hook', (file) => {
  expect(resolvesByItself(folder, ['greet.js', file])).toBe(false)
})

test.each([['{}'], ['{ "type": "commonjs" }'], ['[]'], ['not JSON']])(
  'a package.json that says %s needs the hook',
  async (text) => {
    await manifest(text)
    expect(resolvesByItself(folder, ['greet.js'])).toBe(false)
  },
)

test('the nearest package.json is the one that counts', async () => {
  await writeFile(join(folder, 'package.json'), '{}')
  expect(resolvesByItself(folder, ['greet.js'])).toBe(false)
})

test('another copy of the program, or none, needs the hook: its errors would not be known as ours', async () => {
  const own = join(project, 'node_modules', 'gatehouse')
  await rm(own)
  expect(resolvesByItself(folder, ['greet.js'])).toBe(false)
  await mkdir(own)
  await writeFile(join(own, 'package.json'), '{ "type": "module", "exports": "./index.js" }')
  await writeFile(join(own, 'index.js'), '')
  expect(resolvesByItself(folder, ['greet.js'])).toBe(false)
})
