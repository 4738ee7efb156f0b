import type { Host } from './host.ts'
import type { Lane } from './lane.ts'
import { methodOf, type Message } from './message.ts'
import { MODERN, versionIn } from './meta.ts'
import type { Upstream } from './upstream.ts'

/** Both sides speak the same: everything passes as it is, ids and what the bridge does not know included. */
export function createRelay(host: Host, upstream: Upstream, speaks: string): Lane {
  const life = new AbortController()
  let listening = false

  async function handle(message: Message, signal: AbortSignal): Promise<void> {
    const method = methodOf(message)
    // 2026-07-28 over HTTP: a request is cancelled by closing its stream, which has happened.
    if (method === 'notifications/cancelled' && speaks === MODERN) return
    await upstream.exchange(message, host.send, signal)
    if (method === 'notifications/initialized' && !listening && versionIn(message['params']) === null) {
      listening = true
      await upstream.listen(host.send, life.signal)
    }
  }

  return { speaks, handle, close: () => life.abort() }
}
