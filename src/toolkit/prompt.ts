import type { PromptMessage } from '@modelcontextprotocol/server'
import type { z } from 'zod'
import type { Asking } from './ask.ts'
import type { ToolContext } from './context.ts'
import type { Completions } from './resource.ts'

export interface PromptDefinition<Input extends z.ZodObject = z.ZodObject> {
  readonly title: string
  readonly description: string
  /** All of them are needed, as for a tool. Empty only with access 'none' (D12). */
  readonly scopes: readonly string[]
  /** 'none': no database. 'read': READ ONLY in Postgres. */
  readonly access: 'none' | 'read'
  /** Milliseconds; default 15 000, at most 300 000. */
  readonly timeout?: number
  /** Arguments are texts on the wire: a z.object of strings, some optional. */
  readonly input: Input
  /** Completions of arguments, by name; at most 100 are shown. */
  readonly complete?: Completions
  /** A text becomes one message of the person. */
  run(input: z.output<Input>, context: ToolContext): Promise<readonly PromptMessage[] | string | Asking>
}

/** A prompt as loaded: its definition and the name its file gave it. */
export interface Prompt extends PromptDefinition {
  readonly name: string
}

const defined = new WeakSet<object>()

/** Declares a prompt. The file's name is the prompt's name; the default export of the file is what this answers. */
export function definePrompt<Input extends z.ZodObject>(definition: PromptDefinition<Input>): PromptDefinition<Input> {
  defined.add(definition)
  return definition
}

/** Was it made by definePrompt? */
export const isPromptDefinition = (value: unknown): value is PromptDefinition =>
  typeof value === 'object' && value !== null && defined.has(value)
