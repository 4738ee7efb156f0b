import type { Embedder } from '#base/embedder.ts'
import type { TenantDb } from '#db/database.ts'
import type { Principal } from '#tenancy/tenant.ts'
import type { Upstream } from '#upstream/client.ts'

/** What a run of a tool, a resource or a prompt is given. */
export interface ToolContext {
  /** The tenant's schema, in the one transaction of this call; absent rights make it throw, so a tool cannot reach beyond it. */
  readonly db: TenantDb
  readonly principal: Principal
  /**
   * Aborted when the caller is gone or time is up. Also aborted after every normal call: never leave a listener on it. Made when it is asked for, so
   * `{ ...context }` has none.
   */
  readonly signal: AbortSignal
  /**
   * An API that the operator configured (UPSTREAM_URL, or UPSTREAM_<NAME>_URL by its name in lower case), with the credentials of the
   * caller's organisation; never with the caller's token.
   */
  readonly upstream: (name?: string) => Upstream
  /** Makes vectors of texts (EMBEDDINGS_URL); null: none is configured. A call that waits for it holds its connection. */
  readonly embedder: Embedder | null
  /** Sends a progress notification when the caller asked for it; does nothing otherwise. */
  readonly progress: (done: number, total?: number, message?: string) => Promise<void>
  /** Sends a log message to the client: from 2026-07-28 on only when the request names a level, and from that level up. */
  readonly tell: (level: MessageLevel, text: string) => Promise<void>
  /** For the operator's log. */
  readonly log: ToolLog
  /** As logs and audit name it. */
  readonly request: { readonly id: string; readonly ip: string | null }
  /** Now, in milliseconds since the epoch. */
  readonly now: () => number
  /**
   * What the client answered to the questions of the round before (`ask`), by the question's name; empty in the first round. It comes
   * from outside and is not checked: read it with `answerOf`, or check it yourself.
   */
  readonly answers: Readonly<Record<string, unknown>>
  /** The state that `ask` was given in the round before: what the tool said then, unchanged (D34). undefined in the first round. */
  readonly state: unknown
  /** What the client says it can be asked. A client of the 2025 revisions says it once per session, which is not held here: then all true. */
  readonly client: ClientAbilities
  /** Tells who listens in this tenant that something changed, once the call has succeeded. */
  readonly changed: (what: Change) => void
}

export interface ToolLog {
  info(fields: Record<string, unknown>, message: string): void
  warn(fields: Record<string, unknown>, message: string): void
}

type MessageLevel = 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical' | 'alert' | 'emergency'

export interface ClientAbilities {
  /** Asks the person a question with a form. */
  readonly elicitation: boolean
  /** Asks the model. */
  readonly sampling: boolean
  /** Tells its roots. */
  readonly roots: boolean
}

/** A list that looks different now, or the content of one resource. */
export type Change = 'tools' | 'prompts' | 'resources' | { readonly resource: string }
