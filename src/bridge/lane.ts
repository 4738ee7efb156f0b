import type { Message } from './message.ts'

/** How the messages of one host get to one server, once it is known what both speak. */
export interface Lane {
  /** For the person: the revision the server speaks. */
  readonly speaks: string
  /**
   * Takes a message of the host and sees to its answer. Rejects when there is none; the caller then answers with an error.
   * `notifications/cancelled` ends the signal of its request before it comes here.
   */
  handle(message: Message, signal: AbortSignal): Promise<void>
  /** Ends streams that nobody asked for by name. */
  close(): void
}
