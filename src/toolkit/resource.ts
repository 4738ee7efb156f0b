import type { Asking } from './ask.ts'
import type { ToolContext } from './context.ts'

/** What a resource holds: text, or bytes in base64. */
type ResourceContent =
  | { readonly text: string; readonly mimeType?: string }
  | { readonly blob: string; readonly mimeType?: string }

/** One resource of a template's list. */
export interface ListedResource {
  /** It must fit the template. */
  readonly uri: string
  readonly name: string
  readonly title?: string
  readonly description?: string
  /** Default: the template's. */
  readonly mimeType?: string
  /** Octets */
  readonly size?: number
  readonly changedAt?: Date
}

export interface ResourcePage {
  /** About 100. */
  readonly resources: readonly ListedResource[]
  /** Where the next page begins: a sort key, at most 512 characters; null: this was the last. */
  readonly next: string | null
}

export interface ResourceDefinition {
  /** A URI, or a URI template (RFC 6570) such as `crm://contacts/{id}`. */
  readonly uri: string
  readonly title: string
  readonly description: string
  readonly mimeType?: string
  /** All of them are needed, as for a tool. Empty only with access 'none' (D12). */
  readonly scopes: readonly string[]
  /** 'none': no database. 'read': READ ONLY in Postgres. */
  readonly access: 'none' | 'read'
  /** Milliseconds; default 15 000, at most 300 000. */
  readonly timeout?: number
  /** For a template: completions of its variables, by name; at most 100 are shown, so asking for 101 tells whether there are more. */
  readonly complete?: Completions
  /**
   * For a template: what there is of it, one page after another, for resources/list; without it only the template itself is listed.
   * @param after `next` of the page before, null for the first. It comes back through the caller's hands: check it.
   */
  readonly list?: (after: string | null, context: ToolContext) => Promise<ResourcePage>
  /** null: there is no such resource; the caller gets the same answer as for a URI that nobody serves. */
  read(variables: Readonly<Record<string, string>>, context: ToolContext): Promise<ResourceContent | null | Asking>
}

/** Completions of an argument or variable from what was typed so far; `others` holds those already filled in. */
export type Completions = Readonly<
  Record<
    string,
    (value: string, context: ToolContext, others: Readonly<Record<string, string>>) => Promise<readonly string[]>
  >
>

/** A resource as loaded: its definition and the name its file gave it. */
export interface Resource extends ResourceDefinition {
  readonly name: string
}

const defined = new WeakSet<object>()

/** Declares a resource. The file's name is the resource's name; the default export of the file is what this answers. */
export function defineResource(definition: ResourceDefinition): ResourceDefinition {
  defined.add(definition)
  return definition
}

/** Was it made by defineResource? */
export const isResourceDefinition = (value: unknown): value is ResourceDefinition =>
  typeof value === 'object' && value !== null && defined.has(value)
