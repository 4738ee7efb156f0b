import type { CallToolResult } from '@modelcontextprotocol/server'
import type { Tenant } from '#tenancy/tenant.ts'
import type { Tool } from '#toolkit/tool.ts'
import { freshDatabase, type DatabaseKind, type FreshDatabase } from '../support/database.ts'
import { builtIn, createDesk, listening, textOf, type Desk } from '../toolkit/desk.ts'

type Call = ReturnType<Desk['as']>
type Thing = Record<string, unknown> & { readonly id: string }

/** Two organisations with the real tools on a real database. */
export interface Room {
  readonly fresh: FreshDatabase
  readonly desk: Desk
  readonly tools: ReadonlyMap<string, Tool>
  readonly acme: Tenant
  readonly globex: Tenant
  /** As the owner of acme, and of globex. */
  readonly alice: Call
  readonly bob: Call
  /** What was logged as a bug. */
  bugs(): unknown[]
  close(): Promise<void>
}

export async function openRoom(kind: DatabaseKind): Promise<Room> {
  const fresh = await freshDatabase({ kind })
  const acme = await fresh.tenant('acme')
  const globex = await fresh.tenant('globex')
  const { log, lines } = listening()
  const tools = await builtIn()
  const desk = createDesk(fresh.database, tools, { log })
  return {
    fresh,
    desk,
    tools,
    acme,
    globex,
    alice: desk.as(desk.principal(acme)),
    bob: desk.as(desk.principal(globex)),
    bugs: () => lines.filter(({ level }) => level === 'error'),
    async close() {
      await desk.audit.close()
      await fresh.drop()
    },
  }
}

/** The structured content of a result that must be no error. */
export function thing(result: CallToolResult): Thing {
  if (result.isError === true) throw new Error(textOf(result))
  return result.structuredContent as Thing
}

/** The text of a result that must be an error. */
export function failure(result: CallToolResult): string {
  if (result.isError !== true) throw new Error(`no error: ${JSON.stringify(result)}`)
  return textOf(result)
}

export const itemsOf = (result: CallToolResult): Thing[] => thing(result)['items'] as Thing[]

/** Walks a list to its end, page by page. */
export async function walk(call: Call, name: string, args: Record<string, unknown>): Promise<Thing[]> {
  const all: Thing[] = []
  for (let cursor: unknown; ;) {
    const page = await call(name, cursor === undefined ? args : { ...args, cursor })
    all.push(...itemsOf(page))
    cursor = thing(page)['next_cursor']
    if (cursor === null) return all
  }
}

/** An id that is well-formed and belongs to nothing. */
export const UNKNOWN = '01890000-0000-7000-8000-00000000dead'
