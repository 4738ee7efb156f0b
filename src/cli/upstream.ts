import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { systemClock } from '#base/clock.ts'
import { createGuardedFetch } from '#base/fetch.ts'
import { uuidv7 } from '#base/id.ts'
import { watchRegistry } from '#tenancy/registry-cache.ts'
import { createUpstreamLookup } from '#tenancy/upstream-lookup.ts'
import type { UpstreamRecord } from '#tenancy/upstreams.ts'
import { UpstreamError } from '#upstream/error.ts'
import { createUpstreams } from '#upstream/upstreams.ts'
import type { Define } from './commands.ts'
import { confirm } from './confirm.ts'
import { logOf, withRegistry } from './session.ts'
import { moment, sheet, table } from './table.ts'
import { answer, EXIT, tell, type Terminal } from './terminal.ts'

interface Options {
  readonly json?: boolean
  readonly yes?: boolean
  readonly url?: string
}

/** Milliseconds for `test`. */
const PATIENCE = 30_000

/** `upstream list|set|remove|test` */
export const define: Define = (command, { terminal, end }) => {
  command
    .command('list <slug>')
    .description('which credentials a tenant’s calls use at each upstream; never the credentials')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, { json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const upstreams = await registry.upstreams.list(await registry.tenants.get(actor, slug), actor)
        if (upstreams.length === 0) tell(terminal, 'No upstream that asks for credentials is configured.')
        answer(terminal, json, upstreams, () => table(upstreams.map(shown)))
      })
    })

  const set: Command = command
    .command('set <slug> <upstream> [file]')
    .description('give a tenant credentials of its own, from standard input or a file')
    .option('--url <url>', 'a base URL of the tenant’s own, where UPSTREAM_TENANT_MAY=url')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nOne line per field: username=..., password=... (or client_id, client_secret, or the header’s name). Where there is one field, the\nvalue alone will do. Credentials never belong on the command line, where others on this machine can see them.',
    )
    .action(async (slug: string, name: string, file: string | undefined, { url, json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const tenant = await registry.tenants.get(actor, slug)
        const wanted = (await registry.upstreams.list(tenant, actor)).find((one) => one.name === name)?.fields ?? []
        const fields = fieldsIn(await read(set, terminal, file, wanted), wanted)
        if (fields === null)
          set.error(`error: write one line per field: ${wanted.map((field) => `${field}=...`).join(', ')}`, {
            exitCode: EXIT.usage,
          })
        const input = url === undefined ? { name, fields } : { name, fields, url }
        const record = await registry.upstreams.set(tenant, actor, input)
        answer(terminal, json, record, () => sheet(shown(record)))
      })
    })

  const remove = command
    .command('remove <slug> <upstream>')
    .description('take a tenant’s own credentials away; the shared ones count again, where there are any')
    .option('--yes', 'do not ask')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, name: string, { json, yes }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const tenant = await registry.tenants.get(actor, slug)
        const loss = `The credentials of ${slug} for ${name} will be gone; nobody can read them back.`
        await confirm(remove, terminal, { yes, loss, word: name })
        await registry.upstreams.remove(tenant, actor, name)
        answer(
          terminal,
          json,
          { slug, upstream: name, removed: true },
          () => `${slug} has no credentials of its own for ${name} now.`,
        )
      })
    })

  command
    .command('test <slug> <upstream> [path]')
    .description('GET a path there (default /) as a tool of this tenant would, signing in where that is needed')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, name: string, path = '/', { json }: Options) => {
      const tried = await tryOut(terminal, slug, name, path)
      answer(terminal, json, tried, () => sheet(tried))
      if (tried.problem !== null) end(EXIT.failed)
    })
}

const shown = ({ name, auth, credentials, usable, url, tenant_may, set_at, set_by }: UpstreamRecord) => ({
  upstream: name,
  auth,
  credentials,
  usable,
  url,
  tenant_may,
  set: moment(set_at, Date.now()),
  by: set_by,
})

async function read(
  command: Command,
  terminal: Terminal,
  file: string | undefined,
  wanted: readonly string[],
): Promise<string> {
  if (file?.includes('=') === true)
    command.error('error: that looks like a credential, and others on this machine could see it: treat it as leaked.', {
      exitCode: EXIT.usage,
    })
  if (file === undefined && terminal.stdin.isTTY === true)
    tell(terminal, `Write ${wanted.map((field) => `${field}=...`).join(', ')}, one per line, then press Ctrl-D.`)
  try {
    return await (file === undefined ? text(terminal.stdin) : readFile(resolve(terminal.cwd, file), 'utf8'))
  } catch {
    return command.error('error: the file cannot be read', { exitCode: EXIT.failed })
  }
}

/** null: a line that is no field. Spaces may belong to a password, so only line breaks are taken away. */
function fieldsIn(given: string, wanted: readonly string[]): Readonly<Record<string, string>> | null {
  const lines = given.split(/\r?\n/).filter((line) => line.trim() !== '')
  const [only] = wanted
  const [first] = lines
  if (wanted.length === 1 && lines.length === 1 && only !== undefined && first?.startsWith(`${only}=`) === false)
    return { [only]: first }
  const pairs = lines.map((line) => /^([^=]+)=(.*)$/u.exec(line))
  return pairs.includes(null)
    ? null
    : Object.fromEntries(pairs.map((pair) => [pair?.[1]?.trim() ?? '', pair?.[2] ?? '']))
}

async function tryOut(terminal: Terminal, slug: string, name: string, path: string) {
  return await withRegistry(terminal, async ({ config, database, registry, actor }) => {
    const tenant = await registry.tenants.get(actor, slug)
    const log = logOf(terminal)
    const fetch = createGuardedFetch({ allowPrivate: config.egressAllowPrivate || config.developmentSignIn })
    const parts = { database, clock: systemClock, log, secrets: config.sessionSecrets }
    try {
      const own = createUpstreamLookup({ ...parts, watch: await watchRegistry(database) })
      const upstreams = createUpstreams({ configs: config.upstreams, fetch, clock: systemClock, log, own })
      const upstream = upstreams.bind({
        tenant: tenant.id,
        requestId: uuidv7(),
        signal: AbortSignal.timeout(PATIENCE),
        access: 'none',
        deadline: Date.now() + PATIENCE,
      })(name)
      const { status } = await upstream.request(path, { retries: 0 })
      return { upstream: name, path, status, problem: null }
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error
      const { status, detail } = error
      return { upstream: name, path, status, problem: `${error.message}${detail === null ? '' : ` (${detail})`}` }
    } finally {
      await fetch.close()
    }
  })
}
