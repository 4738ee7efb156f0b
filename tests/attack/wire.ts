import net from 'node:net'

/** One answer, however it was asked for. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** Bytes as they are, for what fetch cannot say. Answers the first response; the request must end the connection itself. */
export async function raw(url: string, bytes: string): Promise<Answer> {
  const { port } = new URL(url)
  const text = await new Promise<string>((resolve, reject) => {
    let got = ''
    const socket = net.connect(Number(port), '127.0.0.1', () => socket.write(Buffer.from(bytes, 'latin1')))
    socket.setTimeout(5_000, () => socket.destroy(new Error('no answer')))
    socket.on('data', (piece) => {
      got += piece.toString('latin1')
      // A server that has answered and waits for the rest of a body: enough was said.
      if (isWhole(got)) socket.destroy()
    })
    socket.on('error', (error) => (got === '' ? reject(error) : resolve(got)))
    socket.on('close', () => resolve(got))
  })
  return parse(text)
}

/** A request of HTTP/1.1 with exactly these header lines; `body` brings its own length. */
export const request = (line: string, headers: readonly string[], body = ''): string =>
  [
    `${line} HTTP/1.1`,
    ...headers,
    ...(body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
    'Connection: close',
    '',
    body,
  ].join('\r\n')

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(text.slice(0, end + 2))?.[1]
  return end >= 0 && length !== undefined && text.length >= end + 4 + Number(length)
}

function parse(text: string): Answer {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [line = '', ...fields] = head.split('\r\n')
  const headers = new Headers()
  for (const field of fields) {
    const at = field.indexOf(':')
    headers.append(field.slice(0, at), field.slice(at + 1).trim())
  }
  return { status: Number(line.split(' ')[1]), headers, text: rest.join('\r\n\r\n') }
}
