/** One event of a stream (HTML, server-sent events). */
export interface SseEvent {
  readonly data: string
  /** The last id so far; null: none came. */
  readonly id: string | null
  /** Milliseconds the server wants a client to wait before it comes again; null: not said yet. */
  readonly retry: number | null
}

/** Most characters of one event. */
const MOST = 32 * 1024 * 1024

/** The events of a body, those without data too, because their id counts. Throws when one is longer than 32 Mi characters. */
export async function* eventsOf(body: AsyncIterable<unknown>): AsyncGenerator<SseEvent> {
  const decoder = new TextDecoder()
  let held = ''
  let lines: string[] = []
  let size = 0
  let id: string | null = null
  let retry: number | null = null
  for await (const chunk of body) {
    held += Buffer.isBuffer(chunk) ? decoder.decode(chunk, { stream: true }) : String(chunk)
    // A CR at the very end may be half of a CRLF.
    const whole = held.endsWith('\r') ? held.length - 1 : held.length
    const parts = held.slice(0, whole).split(/\r\n|\n|\r/)
    held = (parts.pop() ?? '') + held.slice(whole)
    for (const line of parts) {
      if (line !== '') {
        size += line.length
        lines.push(line)
        continue
      }
      if (lines.length === 0) continue
      const data: string[] = []
      for (const one of lines) {
        const colon = one.indexOf(':')
        const field = colon === -1 ? one : one.slice(0, colon)
        const value = colon === -1 ? '' : one.slice(colon + 1).replace(/^ /, '')
        if (field === 'data') data.push(value)
        else if (field === 'id' && !value.includes('\0')) id = value === '' ? null : value
        else if (field === 'retry' && /^\d{1,9}$/.test(value)) retry = Number(value)
      }
      lines = []
      size = 0
      yield { data: data.join('\n'), id, retry }
    }
    if (size + held.length > MOST) throw new Error('an event is too long')
  }
}
