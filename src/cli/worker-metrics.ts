import type { Metrics } from '#base/metrics.ts'

/** Milliseconds that an answer of /metrics waits for the other workers: one that is stuck is left out, and is seen by that. */
const PATIENCE = 1_000

/** What workers and their primary say to one another about metrics, over the channel that Node opens between them. */
type Message =
  /** A worker was asked by Prometheus; the primary is asked by it. */
  | { readonly metrics: 'wanted'; readonly by: string }
  /** The primary asks each other worker. */
  | { readonly metrics: 'asked'; readonly by: string }
  | { readonly metrics: 'given'; readonly by: string; readonly text: string }
  /** To the one that was asked first: of how many, then each. */
  | { readonly metrics: 'others'; readonly by: string; readonly count: number }
  | { readonly metrics: 'other'; readonly by: string; readonly text: string }

const isMessage = (value: unknown): value is Message =>
  typeof value === 'object' && value !== null && 'metrics' in value && 'by' in value && typeof value.by === 'string'

/** One end of the channel. */
export interface Channel {
  on(event: 'message', hear: (message: unknown) => void): unknown
  send(message: Message): void
}

/**
 * The metrics of a worker, rendered with those of all others: Prometheus reaches one of them, whichever takes the connection. Every series
 * has its label `worker` and is never summed here, as a sum would fall when one of them is started again, which a rate takes for a restart of all.
 * @param name its own, unlike any other's.
 */
export function withOtherWorkers(own: Metrics, channel: Channel, name: string): Metrics {
  const waiting = new Map<string, { readonly texts: string[]; expected: number; readonly done: () => void }>()
  let asked = 0

  async function others(): Promise<readonly string[]> {
    asked += 1
    const by = `${name}.${asked}`
    const texts: string[] = []
    await new Promise<void>((done) => {
      const late = setTimeout(done, PATIENCE)
      waiting.set(by, { texts, expected: Number.POSITIVE_INFINITY, done: () => (clearTimeout(late), done()) })
      channel.send({ metrics: 'wanted', by })
    })
    waiting.delete(by)
    return texts
  }

  channel.on('message', (message) => {
    if (!isMessage(message)) return
    const { by } = message
    if (message.metrics === 'asked') {
      void own
        .render()
        .then(({ text }) => channel.send({ metrics: 'given', by, text }))
        .catch(() => {})
      return
    }
    const asking = waiting.get(by)
    if (asking === undefined) return
    if (message.metrics === 'others') asking.expected = message.count
    if (message.metrics === 'other') asking.texts.push(message.text)
    if (asking.texts.length >= asking.expected) asking.done()
  })

  return {
    ...own,
    async render() {
      const [{ type, text }, rest] = await Promise.all([own.render(), others()])
      return { type, text: merged([text, ...rest]) }
    },
  }
}

/** The primary's part: hands questions on and answers back. @param others the channels of all workers that listen but this one. */
export function relayMetrics(from: Channel, others: () => readonly Channel[], asking: Map<string, Channel>): void {
  from.on('message', (message) => {
    if (!isMessage(message)) return
    const { by } = message
    if (message.metrics === 'wanted') {
      const asked = others()
      from.send({ metrics: 'others', by, count: asked.length })
      if (asked.length === 0) return
      asking.set(by, from)
      setTimeout(() => asking.delete(by), PATIENCE).unref()
      for (const each of asked) each.send({ metrics: 'asked', by })
    } else if (message.metrics === 'given') asking.get(by)?.send({ metrics: 'other', by, text: message.text })
  })
}

/** Several texts in the Prometheus format as one, in which each metric is described once. */
export function merged(texts: readonly string[]): string {
  const samples = new Map<string, string[]>()
  for (const block of texts.flatMap((text) => text.split(/^(?=# HELP )/m))) {
    const [, head, body = ''] = /^(# HELP .*\n# TYPE .*\n)([^]*)$/.exec(block) ?? []
    if (head === undefined) continue
    const known = samples.get(head)
    if (known === undefined) samples.set(head, [body.trimEnd()])
    else known.push(body.trimEnd())
  }
  return [...samples]
    .map(([head, bodies]) => [head.trimEnd(), ...bodies.filter((body) => body !== ''), ''].join('\n'))
    .join('\n')
}
