import type { ContentBlock } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { sql } from '#db/sql.ts'
import type { TenantDb } from '#db/database.ts'
import type { Principal } from '#tenancy/tenant.ts'
import type { Asking } from './ask.ts'
import type { ToolContext, ToolLog } from './context.ts'

export { sql }
export { uuidv7 } from '#base/id.ts'
export { userId } from '#identity/identity.ts'
export { EmbeddingFailed, type Embedder } from '#base/embedder.ts'
export { hasVectors, nearestPassages, type DocumentFilter, type NearPassage } from '#tenancy/passages/nearest.ts'
export { whoami } from '#tenancy/whoami.ts'
export { cursorOf, encodeCursor } from './cursor.ts'
export { UpstreamError } from '#upstream/error.ts'
export { defineResource } from './resource.ts'
export { definePrompt } from './prompt.ts'
export { answerOf, ask, askModel, askPerson, askRoots } from './ask.ts'
export type { Upstream, UpstreamRequest } from '#upstream/client.ts'
export type { UpstreamResponse } from '#upstream/response.ts'
export type { TenantDb, Principal, ToolContext, ToolLog }

/** The tool's own words for the caller: shown as a result with `isError: true`. Everything else a tool throws is hidden and logged. */
export class ToolError extends Error {
  override readonly name = 'ToolError'
}

/** What a tool answers: a text for people, and with an output schema the same as structured content. */
export interface ToolResult {
  readonly text: string
  /** Images, sound, embedded resources and links, shown after the text. */
  readonly content?: readonly ContentBlock[]
  readonly structured?: Record<string, unknown>
}

export interface ToolAnnotations {
  /** Only for access 'none': false when it changes something elsewhere. Otherwise it follows from `access`. */
  readonly readOnlyHint?: boolean
  /** Only for access 'write': does it destroy or overwrite? Default false. */
  readonly destructiveHint?: boolean
  readonly idempotentHint?: boolean
  /** Does it reach beyond this server? Default false. */
  readonly openWorldHint?: boolean
}

export interface ToolDefinition<Input extends z.ZodObject = z.ZodObject, Output extends z.ZodObject = z.ZodObject> {
  readonly title: string
  readonly description: string
  /** All of them are needed. Empty only with access 'none' (D12). */
  readonly scopes: readonly string[]
  /** 'none': no database. 'read': READ ONLY in Postgres and readOnlyHint on the wire. 'write': audited in the same transaction. */
  readonly access: 'none' | 'read' | 'write'
  readonly annotations?: ToolAnnotations
  readonly input: Input
  readonly output?: Output
  /** Milliseconds; default CALL_TIMEOUT, at most 300 000. A tenant's plan can allow less. */
  readonly timeout?: number
  /** How many calls one of it counts as against the limits per minute and hour; default 1, at most 1000. */
  readonly cost?: number
  /** The id of what the call is about, for the audit's `target`; default: input.id when it is a string. */
  target?(input: z.output<Input>, result: ToolResult | null): string | null
  run(input: z.output<Input>, context: ToolContext): Promise<ToolResult | string | Asking>
}

/** A tool as loaded: its definition and the name its file gave it. */
export interface Tool extends ToolDefinition {
  readonly name: string
}

const defined = new WeakSet<object>()

/** Declares a tool. The file's name is the tool's name; the default export of the file is what this answers. */
export function defineTool<Input extends z.ZodObject, Output extends z.ZodObject = z.ZodObject>(
  definition: ToolDefinition<Input, Output>,
): ToolDefinition<Input, Output> {
  defined.add(definition)
  return definition
}

/** Was it made by defineTool? */
export const isToolDefinition = (value: unknown): value is ToolDefinition =>
  typeof value === 'object' && value !== null && defined.has(value)
