import { setTimeout as pause } from 'node:timers/promises'
import { rpc } from '../support/rpc.ts'

/** One call of the load, as its caller saw it; times in milliseconds of performance.now(). */
interface Answered {
  readonly tool: string
  readonly sent: number
  readonly answered: number
  /** null: the connection broke. */
  readonly status: number | null
  readonly served: boolean
  readonly text: string
  /** Of the project that an acknowledged call made. */
  readonly id: string | null
}

export interface Load {
  readonly calls: readonly Answered[]
  /** Ids of all projects whose making was acknowledged. */
  made(): readonly string[]
  /** No new calls; resolves when those under way are answered. */
  stop(): Promise<void>
}

/** Callers that make a project, list projects and ask who they are, in turn and without end. @param where the endpoint of the next call. */
export function startLoad(where: () => string, token: string, callers = 8): Load {
  const calls: Answered[] = []
  const running = { until: Infinity }
  const caller = async (): Promise<void> => {
    for (let turn = 0; performance.now() < running.until; turn++) {
      const tool = (['create_project', 'list_projects', 'whoami'] as const)[turn % 3] ?? 'whoami'
      const answered = await ask(where(), token, tool, tool === 'create_project' ? { name: `load ${turn}` } : {})
      calls.push(answered)
      // Who is turned away does not knock as fast as they can.
      if (!answered.served) await pause(20)
    }
  }
  const all = Promise.all(Array.from({ length: callers }, caller))
  return {
    calls,
    made: () => calls.flatMap(({ id }) => (id === null ? [] : [id])),
    async stop() {
      running.until = 0
      await all
    },
  }
}

async function ask(url: string, token: string, tool: string, args: object): Promise<Answered> {
  const sent = performance.now()
  const answer = await rpc(url, token, 'tools/call', { name: tool, arguments: args }).catch((error: unknown) => error)
  const answered = performance.now()
  if (answer === null || typeof answer !== 'object' || !('status' in answer))
    return { tool, sent, answered, status: null, served: false, text: String(answer), id: null }
  const { status, text, json } = answer as Awaited<ReturnType<typeof rpc>>
  const { result } = (json ?? {}) as { result?: { isError?: boolean; structuredContent?: { id?: string } } }
  const served = status === 200 && result !== undefined && result.isError !== true
  return { tool, sent, answered, status, served, text, id: served ? (result.structuredContent?.id ?? null) : null }
}
