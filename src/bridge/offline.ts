import { textOf, type JsonObject } from './json.ts'
import { LEGACY, LEGACY_VERSIONS, META, MODERN, BRIDGE_INFO } from './meta.ts'

/** What a server may have. Until it is asked, nothing is promised but that the lists can change. */
const CAPABILITIES = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true },
} as const

/**
 * The bridge's own answer to `initialize` while the server cannot be asked (nobody signed in, no network): so a host neither hangs nor
 * throws the server out. Every other request is then answered with the reason.
 */
export function offlineInitialize(initialize: JsonObject, reason: string): JsonObject {
  const wanted = textOf(initialize['protocolVersion'])
  return {
    protocolVersion: wanted !== null && LEGACY_VERSIONS.includes(wanted) ? wanted : LEGACY,
    capabilities: CAPABILITIES,
    serverInfo: BRIDGE_INFO,
    instructions: `This server cannot be used yet: ${reason}`,
  }
}

/** The same for `server/discover`. Nothing of it may be kept. */
export const offlineDiscover = (reason: string): JsonObject => ({
  resultType: 'complete',
  supportedVersions: [MODERN],
  capabilities: CAPABILITIES,
  instructions: `This server cannot be used yet: ${reason}`,
  ttlMs: 0,
  cacheScope: 'private',
  _meta: { [META.server]: BRIDGE_INFO },
})
