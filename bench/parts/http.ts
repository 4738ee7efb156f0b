import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { alternate, between, type Case, type Subject } from '../alternate.ts'
import { callTool, callToolLegacy, ORDER } from '../requests.ts'
import type { Row } from '../row.ts'
import { LOG_OFF, LOG_ON, type World } from '../world.ts'
import type { Part } from './part.ts'

export const ORDER_CALL = callTool('describe_order', ORDER)
const ORDER_LEGACY = callToolLegacy('describe_order', ORDER)

/** Packages that are no part of the product, from their own lock file. Answers why they are not there, or null when they are. */
function installPeers(): string | null {
  const folder = fileURLToPath(new URL('../peers', import.meta.url))
  try {
    execFileSync('npm', ['ci', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
      timeout: 300_000,
    })
    return null
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).split('\n').slice(0, 2).join(' ')
  }
}

const subject =
  (world: World, file: string, call = ORDER_CALL) =>
  async (): Promise<Subject> => ({
    server: await world.server(file),
    call,
    token: world.token,
  })

export const bareFastify = (world: World): Case => ({
  id: 'fastify',
  title: 'bare Fastify',
  subject: subject(world, 'servers/fastify.ts'),
})

const PEERS: readonly Omit<Case & { readonly file: string; readonly legacy: boolean }, 'subject'>[] = [
  { id: 'express-v2', title: 'official Express stack, SDK v2', file: 'peers/express-v2.js', legacy: false },
  { id: 'express-v2-legacy', title: 'official Express stack, 2025 call', file: 'peers/express-v2.js', legacy: true },
  { id: 'sdk-v1', title: 'SDK v1 + requireBearerAuth, 2025 call', file: 'peers/sdk-v1.js', legacy: true },
  { id: 'fastmcp', title: 'fastmcp, 2025 call', file: 'peers/fastmcp.js', legacy: true },
  { id: 'mcp-auth', title: 'mcp-auth over SDK v1, 2025 call', file: 'peers/mcp-auth.js', legacy: true },
]

/** One tool without a database, by everybody. */
export const http: Part = async ({ world, generator, pace, peers }) => {
  const missing = peers ? installPeers() : 'left out (--no-peers)'
  if (missing !== null) console.log(`peers are not measured: ${missing}`)
  const gatehouse =
    (settings: Readonly<Record<string, string>>, call = ORDER_CALL) =>
    async (): Promise<Subject> => {
      const output = settings === LOG_ON ? { output: await world.file('requests.log', '') } : {}
      return { server: await world.gatehouse(settings, output), call, token: world.token }
    }
  const cases: readonly Case[] = [
    { id: 'node-http', title: 'bare node:http', subject: subject(world, 'servers/node-http.ts') },
    {
      id: 'fastify-lru',
      title: 'Fastify + one token lookup (ceiling)',
      subject: subject(world, 'servers/fastify-lru.ts'),
    },
    {
      id: 'call',
      title: 'Gatehouse tools/call, no database',
      target: { is: 'at least', value: 0.65 },
      subject: gatehouse(LOG_OFF),
    },
    {
      id: 'call-logged',
      title: 'Gatehouse tools/call, request log on',
      target: { is: 'at least', value: 0.5 },
      subject: gatehouse(LOG_ON),
    },
    { id: 'call-legacy', title: 'Gatehouse tools/call, 2025 call', subject: gatehouse(LOG_OFF, ORDER_LEGACY) },
    ...(missing === null ? PEERS : []).map(({ id, title, file, legacy }) => ({
      id,
      title,
      subject: subject(world, file, legacy ? ORDER_LEGACY : ORDER_CALL),
    })),
  ]
  const same = cases.map((each) => ({ ...each, same: true }))
  const measured = await alternate(generator, bareFastify(world), same, pace)
  const rows: Row[] = [...measured.values()].map(({ row }) => row)
  if (missing !== null) return rows
  const against = between(
    'call-express',
    'Gatehouse tools/call, no database',
    'of the official Express stack',
    { is: 'at least', value: 18 },
    measured.get('call'),
    measured.get('express-v2'),
  )
  return [...rows, against]
}

/** Can the generator do more than what it measures? */
export const self: Part = async ({ world, generator, pace }) => {
  const echo: Case = {
    id: 'echo',
    title: 'raw TCP, the same bytes (self-check)',
    target: { is: 'at least', value: 1.3 },
    subject: subject(world, 'servers/echo.ts'),
  }
  const measured = await alternate(generator, bareFastify(world), [echo], pace)
  return [...measured.values()].flatMap(({ row }) => (row.id === 'echo' ? [row] : []))
}
