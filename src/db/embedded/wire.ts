/** As much of the Postgres protocol (manual, chapter 54) as it takes to pass messages between clients and one session. */

const SSL_REQUEST = 80_877_103
const GSS_REQUEST = 80_877_104
const CANCEL_REQUEST = 80_877_102
/** More than any statement of ours; a client that claims more is broken. */
const LONGEST = 256 * 1024 * 1024

export interface Message {
  /** '' for the untyped ones at the start of a connection. */
  readonly type: string
  /** The whole message, type and length included. */
  readonly bytes: Buffer
}

/** Cuts a stream of bytes into messages. */
export class Framer {
  #rest: Buffer = Buffer.alloc(0)

  push(data: Buffer): void {
    this.#rest = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data])
  }

  /**
   * The next whole message; null until it has come.
   * @param typed false until the startup message has come. Throws RangeError for a length that cannot be.
   */
  next(typed: boolean): Message | null {
    const head = typed ? 1 : 0
    if (this.#rest.length < head + 4) return null
    const length = head + this.#rest.readUInt32BE(head)
    if (length < head + 4 || length > LONGEST) throw new RangeError('a message of impossible length')
    if (this.#rest.length < length) return null
    const bytes = this.#rest.subarray(0, length)
    this.#rest = this.#rest.subarray(length)
    return { type: typed ? String.fromCharCode(bytes[0] ?? 0) : '', bytes }
  }
}

/** What the untyped first message asks for. */
export function startupKind({ bytes }: Message): 'encryption' | 'cancel' | 'session' | 'unknown' {
  const code = bytes.length >= 8 ? bytes.readUInt32BE(4) : 0
  if (code === SSL_REQUEST || code === GSS_REQUEST) return 'encryption'
  if (code === CANCEL_REQUEST) return 'cancel'
  return code >>> 16 === 3 ? 'session' : 'unknown'
}

/** Does this message make Postgres answer? Until then it is kept, so that one client's sequence is never cut by another's. */
export const endsBatch = (type: string): boolean => type === 'S' || type === 'Q' || type === 'H' || type === 'F'

function message(type: string, ...parts: readonly (Buffer | string | number)[]): Buffer {
  const body = Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'string') return Buffer.from(`${part}\0`)
      if (typeof part !== 'number') return part
      const number = Buffer.alloc(4)
      number.writeInt32BE(part)
      return number
    }),
  )
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeUInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

export const query = (text: string): Buffer => message('Q', text)
/** Ends a batch in extended protocol, whatever came of it. */
export const sync = (): Buffer => message('S')
export const askPassword = (): Buffer => message('R', 3)

/** The body of a PasswordMessage. */
export const passwordOf = ({ bytes }: Message): string => bytes.subarray(5, -1).toString()

/** Everything a client waits for after its startup message. */
export function welcome(version: string, clientNumber: number): Buffer {
  const settings = {
    server_version: version,
    server_encoding: 'UTF8',
    client_encoding: 'UTF8',
    standard_conforming_strings: 'on',
    integer_datetimes: 'on',
    DateStyle: 'ISO, MDY',
    TimeZone: 'UTC',
  }
  return Buffer.concat([
    message('R', 0),
    ...Object.entries(settings).map(([name, value]) => message('S', name, value)),
    message('K', clientNumber, 0),
    message('Z', Buffer.from('I')),
  ])
}

/** A fatal error in the fields that clients look at: severity, SQLSTATE, text. */
export const fatal = (state: string, text: string): Buffer =>
  message('E', 'SFATAL', 'VFATAL', `C${state}`, `M${text}`, Buffer.alloc(1))

export interface Answer {
  /** For the client that asked. */
  readonly bytes: Buffer
  /** NotificationResponses: for every client that listens. */
  readonly notifications: readonly Buffer[]
  /** Of the last ReadyForQuery: I idle, T in a transaction, E in a failed one; null when none came. */
  readonly status: string | null
}

/** Takes what the session answered apart. */
export function readAnswer(data: Buffer): Answer {
  const own: Buffer[] = []
  const notifications: Buffer[] = []
  let status: string | null = null
  const framer = new Framer()
  framer.push(data)
  for (let next = framer.next(true); next !== null; next = framer.next(true)) {
    if (next.type === 'A') notifications.push(next.bytes)
    else own.push(next.bytes)
    if (next.type === 'Z') status = String.fromCharCode(next.bytes[5] ?? 0)
  }
  return { bytes: Buffer.concat(own), notifications, status }
}

/** Does the client want notifications from now on? */
export const listens = ({ type, bytes }: Message): boolean =>
  type === 'Q' && /\bLISTEN\b/i.test(bytes.toString('latin1', 5))
