import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** What the suite said of one scenario for authorization servers. */
export interface AuthorizationRow {
  readonly scenario: string
  readonly checks: readonly { readonly id: string; readonly status: string; readonly errorMessage?: string }[]
}

const SUITE = dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json'))
const LOADER = new URL('glob-for-node-20.mjs', import.meta.url).href

/**
 * The suite's scenarios for an authorization server, against a real one. It prints the address a person should open and waits for the
 * browser on a port of its own: `open` is that person.
 */
export async function runAuthorizationSuite(options: {
  readonly issuer: string
  readonly clientId: string
  readonly resource: string
  readonly port: number
  readonly open: (url: URL) => Promise<void>
}): Promise<readonly AuthorizationRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-suite-'))
  try {
    const { issuer, clientId, resource, port } = options
    const flags = ['authorization', '--url', issuer, '--client-id', clientId, '--resource', resource]
    const child = spawn(
      process.execPath,
      ['--import', LOADER, join(SUITE, 'dist', 'index.js'), ...flags, '--port', String(port), '--output-dir', folder],
      { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 },
    )
    let said = ''
    const opened: Promise<void>[] = []
    const hear = (piece: Buffer): void => {
      said += piece.toString()
      const [asked] = /https?:\S+\/oauth\/authorize\?\S+/.exec(said) ?? []
      if (asked !== undefined && /Waiting/.test(said)) {
        if (opened.length === 0) opened.push(options.open(new URL(asked)))
      }
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    await new Promise((resolve) => child.once('close', resolve))
    await Promise.all(opened)
    const rows = await Promise.all(
      (await readdir(folder)).map(async (name) => ({
        scenario: name.replace(/^authorization-server-|-\d{4}-\d\d-\d\dT[\d-]+Z$/g, ''),
        checks: JSON.parse(await readFile(join(folder, name, 'checks.json'), 'utf8')) as AuthorizationRow['checks'],
      })),
    )
    if (rows.length === 0) throw new Error(`the suite ran nothing:\n${said}`)
    return rows
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
