import { execFile } from 'node:child_process'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

export const REVISIONS = ['2026-07-28', '2025-11-25'] as const
export type Revision = (typeof REVISIONS)[number]

/** One scenario as it went. */
export interface Row {
  readonly revision: Revision
  readonly scenario: string
  /** false: run for information; the revision does not require it. */
  readonly required: boolean
  readonly passed: number
  readonly warnings: number
  /** What the suite said of each failed check; empty: the scenario passed. */
  readonly failures: readonly string[]
}

interface Check {
  readonly status: string
  readonly id: string
  readonly errorMessage?: string
}

/** The folder of the suite's package: its command and its lists of requirements. */
const SUITE = dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json'))
const LOADER = new URL('glob-for-node-20.mjs', import.meta.url).href
/** Milliseconds for one revision; it takes some seconds. */
const PATIENCE = 120_000

/** Runs every scenario that the suite knows for a revision, those it does not score too. Rejects when the suite itself does not run. */
export async function runSuite(mcp: string, revision: Revision): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-suite-'))
  try {
    const flags = ['server', '--url', mcp, '--requirements', revision, '--output-dir', folder]
    const said = await command(['--import', LOADER, join(SUITE, 'dist', 'index.js'), ...flags])
    const scenarios = new Map<string, readonly Check[]>()
    for (const name of await readdir(folder)) {
      const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(name)?.[1]
      if (scenario === undefined) throw new Error(`the suite left something unknown: ${name}`)
      scenarios.set(scenario, JSON.parse(await readFile(join(folder, name, 'checks.json'), 'utf8')) as Check[])
    }
    if (scenarios.size === 0) throw new Error(`the suite ran nothing:\n${said}`)
    const required = await requirements(revision)
    const missing = required.filter((scenario) => !scenarios.has(scenario))
    return [
      ...[...scenarios].map(([scenario, checks]) => rowOf(revision, scenario, required.includes(scenario), checks)),
      // One that never ran left no checks, and has not passed.
      ...missing.map((scenario) => ({ ...rowOf(revision, scenario, true, []), failures: ['it was not run'] })),
    ].toSorted((a, b) => Number(b.required) - Number(a.required) || a.scenario.localeCompare(b.scenario))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What the suite's own frozen list requires of a server. */
export async function requirements(revision: Revision): Promise<readonly string[]> {
  const list = parse(await readFile(join(SUITE, 'requirements', `${revision}.yaml`), 'utf8')) as { server: string[] }
  return list.server
}

function rowOf(revision: Revision, scenario: string, required: boolean, checks: readonly Check[]): Row {
  const count = (status: string): number => checks.filter((check) => check.status === status).length
  const failures = checks
    .filter(({ status }) => status === 'FAILURE')
    .map(({ id, errorMessage }) => `${id}: ${errorMessage ?? 'no reason given'}`)
  return { revision, scenario, required, passed: count('SUCCESS'), warnings: count('WARNING'), failures }
}

/** The suite exits with 1 when a scenario fails: what it left in its folder says more. */
async function command(args: readonly string[]): Promise<string> {
  return await new Promise((resolve, reject) => {
    const options = {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      timeout: PATIENCE,
      maxBuffer: 64 * 1024 * 1024,
    }
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error)
      else resolve(`${stdout}\n${stderr}`)
    })
  })
}
