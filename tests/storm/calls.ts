import { randomUUID } from 'node:crypto'
import { rpc, type RpcAnswer } from '../support/rpc.ts'
import type { Item, Kind } from './ledger.ts'
import { marksIn } from './mark.ts'
import type { StormTenant, Token } from './world.ts'

/** One call as its caller saw it; milliseconds since the epoch. */
export interface Seen {
  readonly tenant: StormTenant
  readonly token: Token
  readonly tool: string
  readonly sent: number
  readonly answered: number
  /** 0: the connection broke before the answer was whole. A stream that is open for more than a second ends at a cut-off (D22). */
  readonly status: number
  /** A result that is no error: the call was served. */
  readonly served: boolean
  /** What a result with isError said; null: it is none. */
  readonly failure: string | null
  readonly requestId: string
  /** Rows of data in the answer, and those among them without the tenant's mark or with another's. */
  readonly rows: number
  readonly foreign: number
}

interface Result {
  readonly isError?: boolean
  readonly content?: readonly { readonly text?: string }[]
  readonly structuredContent?: { readonly items?: readonly unknown[]; readonly id?: string }
}

/** Asks for one tool, and looks at every row of the answer. */
async function call(
  url: string,
  { tenant, token }: { readonly tenant: StormTenant; readonly token: Token },
  tool: string,
  args: object,
): Promise<{ readonly seen: Seen; readonly id: string | null }> {
  const sent = Date.now()
  // The server keeps it: so the audit row of a call is known even when its answer broke off.
  const requestId = randomUUID()
  const answer = await ask(url, token, requestId, { name: tool, arguments: args })
  const result = resultOf(answer)
  const served = answer.status === 200 && result !== null && result.isError !== true
  const { items, ...rest } = result?.structuredContent ?? {}
  const rows = !served ? [] : (items ?? (rest.id === undefined ? [] : [rest]))
  const wrong = rows.filter((row) => !ownRow(JSON.stringify(row), tenant.mark)).length
  // A mark of another tenant is one too many wherever it stands, in an error's words too.
  const elsewhere = marksIn(answer.text).some((mark) => mark !== tenant.mark) ? 1 : 0
  return {
    id: served ? (rest.id ?? null) : null,
    seen: {
      tenant,
      token,
      tool,
      sent,
      answered: Date.now(),
      status: answer.status,
      served,
      failure: !served && [0, 200].includes(answer.status) ? (result?.content?.[0]?.text ?? answer.text) : null,
      requestId,
      rows: rows.length,
      foreign: Math.max(wrong, elsewhere),
    },
  }
}

async function ask(
  url: string,
  token: Token,
  requestId: string,
  params: object,
): Promise<Pick<RpcAnswer, 'status' | 'text' | 'json'>> {
  try {
    return await rpc(url, token.text, 'tools/call', params, { 'x-request-id': requestId })
  } catch (error) {
    return { status: 0, text: `the connection broke: ${String(error)}`, json: null }
  }
}

const ownRow = (row: string, own: string): boolean => {
  const marks = marksIn(row)
  return marks.length > 0 && marks.every((mark) => mark === own)
}

const resultOf = ({ json }: Pick<RpcAnswer, 'json'>): Result | null =>
  typeof json === 'object' && json !== null && 'result' in json ? (json.result as Result) : null

const LIST: Record<Kind, string> = { projects: 'list_projects', todos: 'list_todos', documents: 'list_documents' }
const ONE: Record<Kind, string> = { projects: 'project', todos: 'todo', documents: 'document' }
const KINDS = ['projects', 'todos', 'documents'] as const
const dice = (sides: number): number => Math.floor(Math.random() * sides)
const oneOf = <T>(values: readonly T[]): T => values[dice(values.length)] as T

export interface Turn {
  readonly url: string
  readonly tenant: StormTenant
  readonly token: Token
  /** Another tenant, whose things this one asks for now and then. */
  readonly other: StormTenant
}

/** One call of a random kind: what a busy company's assistants do, and some things that they should not. */
export async function randomCall(turn: Turn): Promise<Seen> {
  const about = async (tool: string, args: object) => await call(turn.url, turn, tool, args)
  const { ledger } = turn.tenant
  const kind = oneOf(KINDS)
  const at = dice(100)
  if (at < 6) return (await about('whoami', {})).seen
  if (at < 30) return await create(turn, kind)
  if (at < 42) return await change(turn, kind)
  if (at < 46) return await remove(turn, kind === 'projects' ? 'todos' : kind)
  if (at < 60) return (await about(LIST[kind], { limit: 1 + dice(30) })).seen
  if (at < 74)
    return (await about('search_documents', { query: oneOf(['storm', 'weather or wall', turn.other.mark]), limit: 10 }))
      .seen
  const own = ledger.any(kind)
  const theirs = turn.other.ledger.any(kind)
  if (at < 95 && own !== null) return (await about(`get_${ONE[kind]}`, { id: own.id })).seen
  if (theirs === null) return (await about('list_todos', { status: 'open' })).seen
  // Another tenant's id: for this one it does not exist, whatever the tool.
  const verb = oneOf(['get', 'update', 'delete'])
  const changes = verb !== 'update' ? {} : kind === 'projects' ? { name: 'no' } : { title: 'no' }
  const { seen } = await about(`${verb}_${ONE[kind]}`, { id: theirs.id, ...changes })
  return seen.served ? { ...seen, foreign: Math.max(1, seen.foreign) } : seen
}

let written = 0
/** A text that is like no other, with the tenant's mark in it. */
const textOf = ({ mark }: StormTenant): string => `storm ${(written += 1)} ${mark}`

async function create(turn: Turn, kind: Kind): Promise<Seen> {
  const { tenant } = turn
  const text = textOf(tenant)
  const project = dice(2) === 0 ? null : (tenant.ledger.any('projects')?.id ?? null)
  const args = {
    projects: { name: text, description: `weather ${tenant.mark}` },
    todos: { title: text, notes: `wall ${tenant.mark}`, project_id: project },
    documents: {
      title: text,
      content: `The weather at the wall: storm. ${tenant.mark} `.repeat(1 + dice(20)),
      project_id: project,
    },
  }[kind]
  const { seen, id } = await call(turn.url, turn, `create_${ONE[kind]}`, args)
  if (id !== null) tenant.ledger.created(kind, id, text)
  return seen
}

async function change(turn: Turn, kind: Kind): Promise<Seen> {
  const { ledger } = turn.tenant
  const item = ledger.take(kind)
  if (item === null) return await create(turn, kind)
  const text = textOf(turn.tenant)
  const args = { id: item.id, ...(kind === 'projects' ? { name: text } : { title: text }) }
  const { seen } = await call(turn.url, turn, `update_${ONE[kind]}`, args)
  settle(turn, item, seen, () => (item.text = text))
  return seen
}

async function remove(turn: Turn, kind: Kind): Promise<Seen> {
  const item = turn.tenant.ledger.take(kind)
  if (item === null) return await create(turn, kind)
  const { seen } = await call(turn.url, turn, `delete_${ONE[kind]}`, { id: item.id })
  settle(turn, item, seen, () => (item.deleted = true))
  return seen
}

function settle({ tenant: { ledger } }: Turn, item: Item, seen: Seen, done: () => void): void {
  if (seen.served) {
    done()
    ledger.acknowledged += 1
  } else if (seen.status === 0 || seen.failure?.includes('may or may not') === true) item.unsure = true
  ledger.give(item)
}
