import type { Gatehouse, GatehouseOptions } from '#library/server.ts'

/**
 * What an operator's tool, resource or prompt imports: `import { defineTool, sql, z } from 'gatehouse'`; and, with `createGatehouse`, what a
 * program does that has Gatehouse as its library. docs/library.md lists what of it stays.
 */
export {
  answerOf,
  ask,
  askModel,
  askPerson,
  askRoots,
  cursorOf,
  defineTool,
  encodeCursor,
  sql,
  ToolError,
  UpstreamError,
  userId,
  uuidv7,
  whoami,
} from '#toolkit/tool.ts'
export type {
  Principal,
  TenantDb,
  ToolAnnotations,
  ToolContext,
  ToolDefinition,
  ToolLog,
  ToolResult,
  Upstream,
  UpstreamRequest,
  UpstreamResponse,
} from '#toolkit/tool.ts'
export { definePrompt } from '#toolkit/prompt.ts'
export { defineResource } from '#toolkit/resource.ts'
export { ConfigError } from '#base/config.ts'
export { z } from 'zod'
export type { Gatehouse, GatehouseOptions }

/** See `makeGatehouse`. Loaded only when called: a tool's file does not need the server. */
export async function createGatehouse(options: GatehouseOptions = {}): Promise<Gatehouse> {
  const { makeGatehouse } = await import('#library/server.ts')
  return await makeGatehouse(options)
}
