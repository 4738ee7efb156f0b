import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ConfigError } from '#base/config.ts'
import { loadConfig } from '#base/config-load.ts'
import { ensureSessionSecret } from '#base/config-secret.ts'
import { packageRoot } from '#base/package.ts'

let dataDir: string
beforeEach(() => {
  dataDir = join(mkdtempSync(join(tmpdir(), 'gatehouse-secret-')), 'data')
})
afterEach(() => rmSync(join(dataDir, '..'), { recursive: true }))

const file = (): string => join(dataDir, 'session-secret')

test('a missing secret is made once, for its owner only, and nothing is left beside it', () => {
  const [secret = ''] = ensureSessionSecret(loadConfig({ DATA_DIR: dataDir })).sessionSecrets
  expect(secret.length).toBeGreaterThanOrEqual(32)
  expect(ensureSessionSecret(loadConfig({ DATA_DIR: dataDir })).sessionSecrets).toEqual([secret])
  expect(readdirSync(dataDir)).toEqual(['session-secret'])
  expect(statSync(file()).mode & 0o777).toBe(0o600)
  expect(statSync(dataDir).mode & 0o777).toBe(0o700)
})

test('loading the configuration alone makes nothing', () => {
  loadConfig({ DATA_DIR: dataDir })
  expect(() => statSync(dataDir)).toThrow('ENOENT')
})

test('one that is configured is used as it is', () => {
  const config = loadConfig({ DATA_DIR: dataDir, SESSION_SECRET: 'x'.repeat(32) })
  expect(ensureSessionSecret(config)).toBe(config)
})

test('a file that others may read is closed', () => {
  ensureSessionSecret(loadConfig({ DATA_DIR: dataDir }))
  chmodSync(file(), 0o644)
  ensureSessionSecret(loadConfig({ DATA_DIR: dataDir }))
  expect(statSync(file()).mode & 0o777).toBe(0o600)
})

test('a file that holds no secret stops the boot, and says nothing of what it holds', () => {
  ensureSessionSecret(loadConfig({ DATA_DIR: dataDir }))
  writeFileSync(file(), 'hunter2')
  try {
    ensureSessionSecret(loadConfig({ DATA_DIR: dataDir }))
    expect.unreachable()
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    expect((error as ConfigError).problems.join()).not.toContain('hunter2')
  }
})

test('processes that start at once agree on one', async () => {
  const script = `
    import { loadConfig } from '#base/config-load.ts'
    import { ensureSessionSecret } from '#base/config-secret.ts'
    process.stdout.write(ensureSessionSecret(loadConfig({ DATA_DIR: process.argv[1] })).sessionSecrets[0])`
  const args = ['--conditions=gatehouse-source', '--import', 'tsx', '--input-type=module', '-e', script, dataDir]
  const outs = await Promise.all(
    [1, 2, 3].map(async () => (await promisify(execFile)(process.execPath, args, { cwd: packageRoot })).stdout),
  )
  expect(new Set(outs)).toEqual(new Set([readFileSync(file(), 'utf8').trim()]))
})
