import { alternate, columns, jobOf, type Case, type Subject } from '../alternate.ts'
import { callTool, type Call } from '../requests.ts'
import type { Row } from '../row.ts'
import { quantile, spread } from '../statistics.ts'
import type { World } from '../world.ts'
import type { Part } from './part.ts'

/** Of the project that is read; in every tenant the same. */
export const PROJECT = '01936b1e-7c00-7000-8000-000000000001'

export const READ = callTool('get_project', { id: PROJECT })
export const WRITE = callTool('create_project', { name: 'Measured', description: 'One row.' })

/** The row, in one tenant's schema. */
export async function makeProject(world: World, schema: string): Promise<void> {
  await world.sql(
    `INSERT INTO ${schema}.projects (id, name, description, created_by, created_at, updated_at)
      VALUES ('${PROJECT}', 'Measured', '', 'oidc:alice', now(), now()) ON CONFLICT DO NOTHING`,
  )
}

/** Fastify and pg by hand, on the tenant acme. */
export const byHand = async (world: World, databaseUrl = world.databaseUrl('gatehouse_app'), pipeline = false) =>
  await world.server('servers/fastify-pg.ts', {
    DATABASE_URL: databaseUrl,
    SCHEMA: 'tenant_acme',
    PIPELINE: String(pipeline),
  })

function pair(world: World, call: Call, kind: 'read' | 'write', target: number): readonly [Case, Case] {
  return [
    {
      id: `${kind}-by-hand`,
      title: `Fastify + pg by hand, one-row ${kind}`,
      subject: async () => ({ server: await byHand(world), call, token: world.token, path: `/${kind}` }),
    },
    {
      id: kind,
      title: `Gatehouse, one-row ${kind}${kind === 'write' ? ' with audit' : ''}`,
      target: { is: 'at least', value: target },
      // A new row has an id of its own.
      same: kind === 'read',
      subject: async () => ({ server: await world.gatehouse(), call, token: world.token }),
    },
  ]
}

export const read: Part = async ({ world, generator, pace }) => {
  await makeProject(world, 'tenant_acme')
  const [base, ours] = pair(world, READ, 'read', 0.9)
  return [...(await alternate(generator, base, [ours], pace)).values()].map(({ row }) => row)
}

export const write: Part = async ({ world, generator, pace }) => {
  const [base, ours] = pair(world, WRITE, 'write', 0.8)
  return [...(await alternate(generator, base, [ours], pace)).values()].map(({ row }) => row)
}

/** Waiting at half of what the server can do, requests sent at a fixed rate whether answered or not. */
export const tail: Part = async ({ world, generator, pace }) => {
  await makeProject(world, 'tenant_acme')
  const subjects: readonly { readonly id: string; readonly title: string; readonly subject: Subject }[] = [
    {
      id: 'tail-by-hand',
      title: 'Fastify + pg by hand, read at half load',
      subject: { server: await byHand(world), call: READ, token: world.token, path: '/read' },
    },
    {
      id: 'tail',
      title: 'Gatehouse, one-row read at half load',
      subject: { server: await world.gatehouse(), call: READ, token: world.token },
    },
  ]
  const rows: Row[] = []
  for (const { id, title, subject } of subjects) {
    const rates: number[] = []
    await generator.run(jobOf(subject, pace.seconds, pace.warm))
    for (let round = 0; round < pace.rounds; round++)
      rates.push((await generator.run(jobOf(subject, pace.seconds))).rps)
    const rate = quantile(rates, 0.5) / 2
    const slices = []
    for (let round = 0; round < pace.rounds; round++)
      slices.push(await generator.run(jobOf({ ...subject, rate, connections: 128 }, pace.seconds)))
    const figure = { ...spread(slices.map(({ p50, p99 }) => p99 / p50)), unit: 'x' as const }
    const target = id === 'tail' ? { target: { is: 'at most', value: 5 } as const } : { better: 'less' as const }
    rows.push({ id, title, of: `p99 / p50 at ${rate.toFixed(0)}/s`, figure, ...target, ...columns(slices) })
  }
  return rows
}
