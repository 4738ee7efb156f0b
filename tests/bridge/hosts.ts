import { Client, type JSONRPCMessage, type Transport } from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { ElicitRequestSchema, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { startBridge, type RunningBridge } from './support.ts'

/** A host of one era, with an official client, in front of the bridge. */
export interface EraHost {
  readonly bridge: RunningBridge
  call(name: string, options?: { readonly signal?: AbortSignal; readonly onprogress?: () => void }): Promise<unknown>
  /** What the person was asked. */
  readonly asked: string[]
  /** Times the host heard that the tools changed. */
  heard(): number
  leave(): Promise<number>
}

/** The bridge's streams as the clients want a connection. */
function transportOf({ stdin, stdout }: RunningBridge): Transport {
  const transport: Transport = {
    async start() {
      let held = ''
      stdout.on('data', (piece: Buffer) => {
        held += piece.toString()
        const lines = held.split('\n')
        held = lines.pop() ?? ''
        for (const line of lines) transport.onmessage?.(JSON.parse(line) as JSONRPCMessage)
      })
    },
    send: async (message) => void stdin.write(`${JSON.stringify(message)}\n`),
    close: async () => transport.onclose?.(),
  }
  return transport
}

const answer = { action: 'accept' as const, content: { name: 'Alice' } }

export async function startModernHost(env: Readonly<Record<string, string>>, url: string): Promise<EraHost> {
  const bridge = startBridge(env, url)
  const asked: string[] = []
  let changes = 0
  const client = new Client(
    { name: 'modern-host', version: '1' },
    { capabilities: { elicitation: {} }, versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  client.setRequestHandler('elicitation/create', ({ params }) => {
    asked.push(params.message)
    return answer
  })
  client.setNotificationHandler('notifications/tools/list_changed', () => void (changes += 1))
  await client.connect(transportOf(bridge))
  await client.listen({ toolsListChanged: true })
  return {
    bridge,
    asked,
    heard: () => changes,
    call: async (name, options) => await client.callTool({ name, arguments: {} }, options),
    // With its subscription open: the bridge must not wait for that.
    leave: async () => await bridge.leave(),
  }
}

export async function startLegacyHost(env: Readonly<Record<string, string>>, url: string): Promise<EraHost> {
  const bridge = startBridge(env, url)
  const asked: string[] = []
  let changes = 0
  const client = new OldClient({ name: 'legacy-host', version: '1' }, { capabilities: { elicitation: {} } })
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    asked.push(params.message)
    return answer
  })
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => void (changes += 1))
  await client.connect(transportOf(bridge))
  return {
    bridge,
    asked,
    heard: () => changes,
    call: async (name, options) => await client.callTool({ name, arguments: {} }, undefined, options),
    leave: async () => await bridge.leave(),
  }
}
