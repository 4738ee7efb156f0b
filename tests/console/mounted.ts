import fastify from 'fastify'
import { createConsole, type ConsoleOptions } from '#console/console.ts'
import type { ConsoleHost } from '#console/deps.ts'

/** Whatever is asked of it: pages are only mounted here, none is shown. */
const anything: unknown = new Proxy(() => anything, { get: (_target, key) => (key === 'then' ? undefined : anything) })

export interface Mounted {
  /** Paths as routes have them, `/console/t/:slug/people/:id`, in order of the alphabet. */
  readonly pages: readonly string[]
  readonly forms: readonly string[]
}

/** Every page and form of the console, read off the server that it is mounted on: no list of ours can forget one. */
export async function mounted(): Promise<Mounted> {
  const app = fastify()
  const routes: (readonly [method: string, url: string])[] = []
  app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) routes.push([each, url])
  })
  const options = {
    publicUrl: 'https://mcp.example.com',
    secrets: ['of this test alone, 32 characters'],
    upstreams: [],
    clock: anything,
    principal: anything,
    limit: anything,
    registry: anything,
    operators: anything,
    desk: anything,
    rateLimit: anything,
    auditDays: anything,
    vouching: anything,
    database: anything,
    ready: anything,
    events: anything,
  } satisfies Record<keyof ConsoleOptions, unknown>
  // The answer to other methods is no page.
  const host: ConsoleHost = { visits: () => anything as never, anonymous: async () => {}, onlyMethods: () => undefined }
  await createConsole(options as unknown as ConsoleOptions).mount(app, host)
  await app.close()
  const of = (wanted: string): string[] => [
    ...new Set(routes.filter(([method]) => method === wanted).map(([, url]) => url)),
  ]
  return { pages: of('GET').toSorted(), forms: of('POST').toSorted() }
}
