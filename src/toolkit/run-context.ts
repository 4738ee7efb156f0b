import type { Deadline } from './deadline.ts'
import type { ToolContext } from './context.ts'

/**
 * What one run is given. A class for the sake of `signal`, which most tools never look at: one getter for all, where an object literal would have to
 * make one for each call.
 */
export class RunContext implements ToolContext {
  readonly db: ToolContext['db']
  readonly principal: ToolContext['principal']
  readonly upstream: ToolContext['upstream']
  readonly embedder: ToolContext['embedder']
  readonly progress: ToolContext['progress']
  readonly tell: ToolContext['tell']
  readonly log: ToolContext['log']
  readonly request: ToolContext['request']
  readonly now: ToolContext['now']
  readonly answers: ToolContext['answers']
  readonly state: ToolContext['state']
  readonly client: ToolContext['client']
  readonly changed: ToolContext['changed']
  readonly #end: Deadline

  constructor(parts: Omit<ToolContext, 'signal'>, end: Deadline) {
    this.db = parts.db
    this.principal = parts.principal
    this.upstream = parts.upstream
    this.embedder = parts.embedder
    this.progress = parts.progress
    this.tell = parts.tell
    this.log = parts.log
    this.request = parts.request
    this.now = parts.now
    this.answers = parts.answers
    this.state = parts.state
    this.client = parts.client
    this.changed = parts.changed
    this.#end = end
  }

  get signal(): AbortSignal {
    return this.#end.signal
  }
}
