import type { ClientAbilities, ToolContext } from './context.ts'
import type { Waiting } from './deadline.ts'

/** Who waits for a run, and how they are told of it. */
export interface CallRequest {
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal
  /** The same without a listener on it, where there is a way. */
  readonly whenGone?: NonNullable<Waiting['whenGone']>
  readonly requestId: string
  readonly ip: string | null
  /** Sends a progress notification; does nothing when the caller did not ask for any. */
  readonly progress: ToolContext['progress']
  /** Sends a log message to the client. Absent: nobody reads any. */
  readonly tell?: ToolContext['tell']
  /** Absent: all are unknown and taken for true. */
  readonly client?: ClientAbilities
  /** What came back from the round before. Absent: the first round. */
  readonly round?: Round
}

/** What came back with a request that answers questions. */
interface Round {
  readonly answers: Readonly<Record<string, unknown>>
  /** As it came; null: none. */
  readonly state: string | null
}
