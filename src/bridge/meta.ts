import { version } from '#base/package.ts'
import { isObject, textOf } from './json.ts'

/** Keys of `params._meta` that 2026-07-28 puts on every request. */
export const META = {
  version: 'io.modelcontextprotocol/protocolVersion',
  client: 'io.modelcontextprotocol/clientInfo',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  server: 'io.modelcontextprotocol/serverInfo',
  subscription: 'io.modelcontextprotocol/subscriptionId',
} as const

/** The revision without sessions that this program speaks. */
export const MODERN = '2026-07-28'
/** The newest revision with `initialize`. */
export const LEGACY = '2025-11-25'
/** Revisions with `initialize` that a host may ask for. */
export const LEGACY_VERSIONS: readonly string[] = [LEGACY, '2025-06-18', '2025-03-26', '2024-11-05']

/** What the bridge says it is, where it speaks for itself. */
export const BRIDGE_INFO = { name: 'gatehouse-bridge', title: 'Gatehouse bridge', version } as const

/** The envelope of a request of the bridge's own. */
export const modernMeta = (): Readonly<Record<string, unknown>> => ({
  [META.version]: MODERN,
  [META.client]: BRIDGE_INFO,
  [META.capabilities]: {},
})

/** The revision a message names for itself; null before 2026-07-28. */
export function versionIn(params: unknown): string | null {
  const meta = isObject(params) ? params['_meta'] : undefined
  return isObject(meta) ? textOf(meta[META.version]) : null
}
