import fc from 'fast-check'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { CORPUS, made, type Case } from './corpus.ts'

/** Two servers over one database: what the direct lane answers, and what the SDK answers to the same. */
let both: RunningGatehouse
let sdk: RunningGatehouse
let token = ''

beforeAll(async () => {
  const env = {
    RATE_LIMIT: 'off',
    GATEHOUSE_DIRECT_LANE: 'on',
    TOOLS_DIR: fileURLToPath(new URL('../conformance/fixture', import.meta.url)),
  }
  both = await startGatehouse({ kind: 'postgres', env })
  sdk = await startGatehouse({ kind: 'postgres', env: { ...env, GATEHOUSE_DIRECT_LANE: 'off' }, beside: both })
  token = await both.token('alice@acme.test')
}, 60_000)
afterAll(async () => {
  await sdk?.stop()
  await both?.close()
})

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly messages: readonly unknown[]
}

/** What differs between two answers to the same request by the same lane: ids, times, and how the octets are framed. */
const OF_THE_MOMENT = new Set([
  'date',
  'x-request-id',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
])
const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

async function ask(url: string, bearer: string, { headers, body }: Case): Promise<Answer> {
  const response = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: { ...headers, authorization: `Bearer ${bearer}` },
    body,
  })
  const text = (await response.text()).replace(ID, 'ID').replaceAll(url, 'URL')
  return {
    status: response.status,
    headers: Object.fromEntries(
      [...response.headers]
        .filter(([name]) => !OF_THE_MOMENT.has(name))
        .map(([name, value]) => [name, value.replaceAll(url, 'URL')]),
    ),
    messages: messagesOf(text, response.headers.get('content-type') ?? ''),
  }
}

/** Members in any order; events in theirs. */
function messagesOf(text: string, type: string): unknown[] {
  if (!type.startsWith('text/event-stream')) return [text.startsWith('{') ? JSON.parse(text) : text]
  return text
    .split('\n\n')
    .filter((event) => event !== '' && !event.startsWith(':'))
    .map((event) => {
      const [kind, data = ''] = event.split('\n')
      return [kind, JSON.parse(data.slice('data: '.length))]
    })
}

const direct = async (): Promise<number> => {
  const text = await (await fetch(`${both.url}/metrics`)).text()
  return Number(/gatehouse_mcp_requests_total\{lane="direct"\} (\d+)/.exec(text)?.[1] ?? 0)
}

async function compare(one: Case): Promise<void> {
  const tokens = { sdk: await sdk.token('alice@acme.test'), both: token }
  const wanted = await ask(sdk.url, tokens.sdk, one)
  // The first time the SDK is asked and its answer teaches the lane, the second time the lane may answer.
  for (let time = 0; time < 2; time += 1) expect(await ask(both.url, tokens.both, one), one.body).toEqual(wanted)
}

// oxlint-disable-next-line vitest/expect-expect -- `compare` expects
test.each(CORPUS.map((one) => [one.name, one] as const))('both lanes answer the same to %s', async (_name, one) => {
  await compare(one)
})

test('both lanes answer the same to what fast-check makes up', async () => {
  await fc.assert(fc.asyncProperty(made, compare), { numRuns: 300, endOnFailure: true })
}, 60_000)

test.each(['modern', 'legacy'])(
  'a regular call and the list of the %s era are answered by the direct lane',
  async (era) => {
    for (const what of ['list_projects {}', 'the list']) {
      const one = CORPUS.find(({ name }) => name === `${era} ${what}`)
      if (one === undefined) throw new Error('not in the corpus')
      await ask(both.url, token, one)
      const before = await direct()
      await ask(both.url, token, one)
      expect(await direct()).toBe(before + 1)
    }
  },
)

test('with GATEHOUSE_DIRECT_LANE=off nothing is answered directly', async () => {
  for (let time = 0; time < 2; time += 1)
    for (const one of CORPUS.slice(0, 3)) await ask(sdk.url, await sdk.token('alice@acme.test'), one)
  const text = await (await fetch(`${sdk.url}/metrics`)).text()
  expect(text).toContain('gatehouse_mcp_requests_total{lane="direct"} 0')
})
