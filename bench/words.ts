import { readFileSync } from 'node:fs'
import type { Subject } from './alternate.ts'

interface Reply {
  readonly result?: { readonly content?: readonly { readonly text?: string }[] }
}

/** The text of a tool's answer, out of JSON or an event stream. Throws when there is none: the server does not do what is compared. */
export async function wordsOf({ server, path = '/mcp', call, token }: Subject): Promise<string> {
  const bearer = typeof token === 'string' ? token : readFileSync(token.file, 'utf8').split('\n')[0]
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    method: 'POST',
    headers: { ...call.headers, authorization: `Bearer ${bearer}` },
    body: call.body,
  })
  const text = await response.text()
  const data = text.split('\n').findLast((line) => line.startsWith('data: '))
  const { result } = JSON.parse(data?.slice('data: '.length) ?? text) as Reply
  const words = result?.content?.[0]?.text
  if (words === undefined) throw new Error(`no words in the answer: ${response.status} ${text.slice(0, 100)}`)
  return words
}
