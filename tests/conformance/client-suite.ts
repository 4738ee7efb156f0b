import { execFile } from 'node:child_process'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import type { Revision, Row } from './suite.ts'

/** The folder of the suite's package: its command and its lists of requirements. */
const SUITE = dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json'))
const LOADER = new URL('glob-for-node-20.mjs', import.meta.url).href
const DRIVER = fileURLToPath(new URL('client-driver.ts', import.meta.url))
const HERE = fileURLToPath(new URL('.', import.meta.url))
/** Scenarios at once: the suite itself would start all, and none would end in its time on a small machine. */
const AT_ONCE = 2
/** Milliseconds for one scenario. */
const PATIENCE = 60_000

interface Check {
  readonly status: string
  readonly id: string
  readonly description?: string
  readonly errorMessage?: string
}

/** What the suite's frozen list says about a client. */
async function clientScenarios(
  revision: Revision,
): Promise<{ readonly required: readonly string[]; readonly other: readonly string[] }> {
  const list = parse(await readFile(join(SUITE, 'requirements', `${revision}.yaml`), 'utf8')) as {
    readonly client: string[]
    readonly not_scored: { readonly scenario: string; readonly leg: string }[]
  }
  return {
    required: list.client,
    other: list.not_scored.filter(({ leg }) => leg === 'client').map(({ scenario }) => scenario),
  }
}

/** How many scenarios the pinned suite requires of a client: fewer would mean that something was not run. */
const REQUIRED = { '2026-07-28': 32, '2025-11-25': 18 } as const

/**
 * Runs the client scenarios of a revision through the bridge as it was built: all, or those named. Rejects when the suite itself does not
 * run, or does not know what was named.
 */
export async function runClientSuite(revision: Revision, only: readonly string[] = []): Promise<readonly Row[]> {
  const { required, other } = await clientScenarios(revision)
  if (required.length !== REQUIRED[revision])
    throw new Error(`the suite requires ${required.length} scenarios of ${revision}`)
  const all = [...required, ...other]
  const unknown = only.filter((scenario) => !all.includes(scenario))
  if (unknown.length > 0) throw new Error(`the suite knows no ${unknown.join(', ')}`)
  const waiting = only.length > 0 ? [...only] : all
  const rows: Row[] = []
  const worker = async (): Promise<void> => {
    for (let scenario = waiting.shift(); scenario !== undefined; scenario = waiting.shift())
      rows.push(await runScenario(revision, scenario, required.includes(scenario)))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return rows.toSorted((a, b) => Number(b.required) - Number(a.required) || a.scenario.localeCompare(b.scenario))
}

async function runScenario(revision: Revision, scenario: string, required: boolean): Promise<Row> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-suite-'))
  try {
    const driver = `node --conditions=gatehouse-source --import tsx ${DRIVER}`
    // An extension stands outside the revisions: with a revision named the suite skips it.
    const at = required ? ['--spec-version', revision] : ['--spec-version', revision, '--force']
    const flags = ['--scenario', scenario, ...at, '--timeout', String(PATIENCE), '-o', folder]
    const suite = [join(SUITE, 'dist', 'index.js'), 'client', '--command', driver, ...flags]
    const { code, said } = await command(['--import', LOADER, ...suite])
    const checks = await checksIn(folder)
    const count = (status: string): number => checks.filter((check) => check.status === status).length
    const failures = checks
      .filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
      .map(({ id, errorMessage, description }) => `${id}: ${errorMessage ?? description ?? 'no reason given'}`)
    // The suite's own verdict counts warnings, a client that crashed, and one that hung.
    if (code !== 0 && failures.length === 0) failures.push(`the suite ended with ${code}: ${said.slice(-300)}`)
    if (checks.length === 0) failures.push('nothing was checked')
    return { revision, scenario, required, passed: count('SUCCESS'), warnings: count('WARNING'), failures }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function checksIn(folder: string): Promise<readonly Check[]> {
  const files = await readdir(folder, { recursive: true })
  const found = files.find((name) => name.endsWith('checks.json'))
  return found === undefined ? [] : (JSON.parse(await readFile(join(folder, found), 'utf8')) as Check[])
}

async function command(args: readonly string[]): Promise<{ readonly code: number; readonly said: string }> {
  return await new Promise((resolve, reject) => {
    const options = { cwd: HERE, timeout: PATIENCE * 2, maxBuffer: 64 * 1024 * 1024 }
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error)
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, said: `${stdout}\n${stderr}` })
    })
  })
}
