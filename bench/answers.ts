/** One HTTP/1.1 answer as a server wrote it. */
export interface Answer {
  readonly status: number
  readonly body: Buffer
}

const HEAD_END = Buffer.from('\r\n\r\n')
const LINE_END = Buffer.from('\r\n')

/**
 * Cuts what one connection receives into answers. As little as an answer to one request at a time needs: content-length and chunked;
 * no trailers, no answers without a body. Throws when the bytes are no HTTP answer.
 *
 * @returns takes the next bytes; they are looked at before it returns, so that the caller may use the buffer again.
 */
export function createAnswerReader(onAnswer: (answer: Answer) => void): (bytes: Buffer) => void {
  let rest: Buffer | null = null
  return (bytes) => {
    let unread = rest === null ? bytes : Buffer.concat([rest, bytes])
    rest = null
    while (unread.length > 0) {
      const found = parseAnswer(unread)
      if (found === null) {
        // A copy: `bytes` may be a buffer that is read into again.
        rest = Buffer.from(unread)
        return
      }
      unread = unread.subarray(found.end)
      onAnswer(found)
    }
  }
}

/** The first answer in these bytes and where it ends; null: more bytes are needed. */
function parseAnswer(bytes: Buffer): (Answer & { readonly end: number }) | null {
  const headEnd = bytes.indexOf(HEAD_END)
  if (headEnd === -1) return null
  const head = bytes.toString('latin1', 0, headEnd)
  const status = Number(head.slice(9, 12))
  if (!head.startsWith('HTTP/1.1 ') || !Number.isInteger(status))
    throw new Error(`no HTTP answer: ${head.slice(0, 40)}`)
  const from = headEnd + HEAD_END.length
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length !== undefined) {
    const end = from + Number(length)
    return bytes.length < end ? null : { status, body: bytes.subarray(from, end), end }
  }
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) throw new Error(`an answer of unknown length: ${head}`)
  return parseChunks(bytes, from, status)
}

function parseChunks(bytes: Buffer, from: number, status: number): (Answer & { readonly end: number }) | null {
  const parts: Buffer[] = []
  let at = from
  for (;;) {
    const lineEnd = bytes.indexOf(LINE_END, at)
    if (lineEnd === -1) return null
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    if (Number.isNaN(size)) throw new Error('a chunk without a size')
    const start = lineEnd + LINE_END.length
    const end = start + size + LINE_END.length
    if (bytes.length < end) return null
    if (size === 0) return { status, body: Buffer.concat(parts), end }
    parts.push(bytes.subarray(start, start + size))
    at = end
  }
}

const RESULT = Buffer.from('"result":')
const FAILED = Buffer.from('"isError":true')

/** Is it what was asked for: 2xx with a JSON-RPC result, which is no tool's failure? Otherwise says what it is instead. */
export function problemOf({ status, body }: Answer): string | null {
  if (status < 200 || status > 299) return `status ${status}${reasonOf(body)}`
  if (!body.includes(RESULT)) return `no JSON-RPC result${reasonOf(body)}`
  return body.includes(FAILED) ? 'the tool failed' : null
}

/** What an OAuth or JSON-RPC error says of itself. */
function reasonOf(body: Buffer): string {
  const said = /"(?:error_description|message)":"([^"]{1,100})/.exec(body.toString('latin1'))?.[1]
  return said === undefined ? '' : ` (${said})`
}
