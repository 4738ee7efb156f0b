/**
 * `npm run measure -- soak`: four replicas on one Postgres under mixed load for ten minutes; does memory grow, do connections or handles pile up?
 * `--minutes 10 --warmup 2 --replicas 4 --callers 4`. Exit code 1 when the resident memory of a replica at the end is more than 10 % above that after
 * the warm-up, or when connections or open files grew.
 */
import { SignJWT } from 'jose'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { rpc } from '../support/rpc.ts'
import { percentile } from './generator.ts'
import { makeWorld, type Server } from './world.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    warmup: { type: 'string', default: '2' },
    replicas: { type: 'string', default: '4' },
    callers: { type: 'string', default: '4' },
  },
})
const [minutes, warmup, replicas, callers] = [values.minutes, values.warmup, values.replicas, values.callers].map(
  Number,
) as [number, number, number, number]
const MOST_GROWTH = 0.1
/** Milliseconds between two looks, and looks of which the middle one counts: a heap breathes. */
const LOOK = 2_000
const LOOKS = Math.max(5, Math.min(30, Math.floor((minutes * 60_000) / LOOK / 6)))

interface Look {
  /** MiB. */
  readonly rss: number
  /** Open files: sockets, connections to Postgres, timers' descriptors. */
  readonly files: number
  readonly threads: number
}

function look({ pid }: Server): Look {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1])
  return { rss: field('VmRSS') / 1024, files: readdirSync(`/proc/${pid}/fd`).length, threads: field('Threads') }
}

const middle = (looks: readonly Look[], what: keyof Look): number =>
  percentile(
    looks.map((one) => one[what]),
    0.5,
  )

const world = await makeWorld(replicas, {})
try {
  const counts: Record<string, number> = {}
  const count = (what: string): void => void (counts[what] = (counts[what] ?? 0) + 1)
  const state = { over: false }
  const tenants = await Promise.all(
    Array.from({ length: replicas * 2 }, async (_, number) => {
      const slug = `soak_${number}`
      await world.registry.tenant(slug, `soak-${number}.test`)
      return { slug, key: (await world.registry.key(slug)).text }
    }),
  )
  type Tenant = (typeof tenants)[number]
  const [first] = world.servers
  const token = async (slug: string, sub: string): Promise<string> =>
    await new SignJWT({ tenant: slug })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(world.issuer)
      .setSubject(sub)
      .setAudience(`${first?.url}/mcp`)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(Buffer.from(world.secret))

  const tool = async (server: Server, text: string, name: string, args: object): Promise<string> => {
    const { status, text: answer, json } = await rpc(`${server.url}/mcp`, text, 'tools/call', { name, arguments: args })
    const failed = status !== 200 || JSON.stringify(json).includes('"isError":true')
    count(failed ? `${name} ${status}` : name)
    return answer
  }
  /** A stream that is given up after a moment. */
  const stream = async (server: Server, text: string): Promise<void> => {
    const gone = new AbortController()
    const answer = await fetch(`${server.url}/mcp`, {
      method: 'POST',
      signal: gone.signal,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${text}`,
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'subscriptions/listen',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'subscriptions/listen',
        params: {
          notifications: { toolsListChanged: true },
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientInfo': { name: 'soak', version: '1' },
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      }),
    })
    count(`stream ${answer.status}`)
    await pause(200)
    gone.abort()
    await answer.body?.cancel().catch(() => {})
  }
  /** A call whose caller leaves before the answer. */
  const leave = async (server: Server, text: string): Promise<void> => {
    const init = {
      method: 'POST',
      signal: AbortSignal.timeout(5),
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${text}`,
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'slow_query', arguments: { rows: 200_000 } },
      }),
    }
    await fetch(`${server.url}/mcp`, init).then(
      async (answer) => void (await answer.text().catch(() => '')),
      () => null,
    )
    count('left')
  }
  const caller = async (server: Server, { slug, key }: Tenant, number: number): Promise<void> => {
    for (let turn = 0; !state.over; turn++) {
      try {
        const person = await token(slug, `person-${number}-${turn % 500}`)
        const made = await tool(server, key, 'create_project', { name: `soak ${turn}` })
        const id = /"id\\?":\s*\\?"([0-9a-f-]{36})/.exec(made)?.[1]
        await tool(server, person, 'list_projects', { limit: 20 })
        await tool(server, key, 'whoami', {})
        if (id !== undefined) await tool(server, key, 'delete_project', { id })
        await tool(server, key, 'no_such_tool', {})
        const issued = await fetch(`${server.url}/auth/token`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ api_key: key }),
        })
        count(`token ${issued.status}`)
        await issued.text()
        const refused = await rpc(`${server.url}/mcp`, `gh_key_${turn}`, 'tools/list')
        count(`refused ${refused.status}`)
        if (turn % 5 === number % 5) await stream(server, key)
        if (turn % 5 === (number + 1) % 5) await leave(server, key)
        if (turn % 20 === number % 20) await tool(server, key, 'big_result', { bytes: 200_000 })
        // A key that is cut off in the middle of its work.
        if (turn % 25 === number % 25) {
          const { text, id: known } = await world.registry.key(slug)
          await tool(server, text, 'whoami', {})
          await world.registry.revoke(slug, known)
          count('cut off')
        }
      } catch (error) {
        count(`broken: ${error instanceof Error ? error.message : 'unknown'}`)
      }
    }
  }
  const all = world.servers.flatMap((server, index) =>
    Array.from({ length: callers }, async (_, number) => {
      const tenant = tenants[(index * 2 + number) % tenants.length]
      if (tenant !== undefined) await caller(server, tenant, index * callers + number)
    }),
  )
  const connections = async (): Promise<number> => {
    const [row] = await world.sql<{ count: string }>(
      "SELECT count(*)::text AS count FROM pg_stat_activity WHERE application_name = 'gatehouse'",
    )
    return Number(row?.count)
  }
  const seen = world.servers.map((): Look[] => [])
  const lines: number[] = []
  const from = performance.now()
  let [warm, open]: [Look[][], number] = [[], 0]
  while (performance.now() - from < minutes * 60_000) {
    await pause(LOOK)
    world.servers.forEach((server, index) => seen[index]?.push(look(server)))
    lines.push(await connections())
    if (warm.length === 0 && performance.now() - from >= warmup * 60_000) {
      warm = seen.map((looks) => looks.slice(-LOOKS))
      open = Math.max(...lines)
    }
  }
  state.over = true
  await Promise.all(all)
  console.log(
    `${replicas} replicas, ${minutes} minutes, ${callers} callers each; after the warm-up of ${warmup} minutes against the end:`,
  )
  let flat = true
  seen.forEach((looks, index) => {
    const [before, after] = [warm[index] ?? [], looks.slice(-LOOKS)]
    const [was, is] = [middle(before, 'rss'), middle(after, 'rss')]
    const grown = is / was - 1
    const files = [middle(before, 'files'), middle(after, 'files')] as const
    const ok = grown <= MOST_GROWTH && files[1] <= files[0] + 20
    flat &&= ok
    console.log(
      `  replica ${index + 1}: RSS ${was.toFixed(0)} > ${is.toFixed(0)} MiB (${(grown * 100).toFixed(1)} %), open files ${files[0]} > ${files[1]}, threads ${middle(before, 'threads')} > ${middle(after, 'threads')}${ok ? '' : '  MISSED'}`,
    )
  })
  const late = Math.max(...lines.slice(-LOOKS))
  console.log(`  connections to Postgres: at most ${open} until the warm-up ended, ${late} at the end`)
  console.log(
    `  ${Object.entries(counts)
      .map(([what, many]) => `${what}: ${many}`)
      .join(', ')}`,
  )
  process.exitCode = flat && late <= replicas * 16 ? 0 : 1
} finally {
  await world.close()
}
