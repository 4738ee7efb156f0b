import {
  UriTemplate,
  type GetPromptResult,
  type InputRequiredResult,
  type Prompt as WirePrompt,
  type ReadResourceResult,
  type ResourceTemplateType as WireTemplate,
} from '@modelcontextprotocol/server'
import type { Principal } from '#tenancy/tenant.ts'
import { InvalidArguments, readArguments, refuseUnstorable } from './arguments.ts'
import { Asking } from './ask.ts'
import { existsFor } from './catalogue.ts'
import type { Prompt } from './prompt.ts'
import { listResources, type ResourceList } from './library-list.ts'
import { withinLimit } from './result.ts'
import type { Completions, Resource } from './resource.ts'
import type { CallRequest } from './call-request.ts'
import { LONGEST_NAME, type Outcome, type Runner } from './run.ts'

/** Completions shown at once (MCP, server/utilities/completion). */
const MOST_COMPLETIONS = 100

/** Nobody serves this URI to this principal. */
export class UnknownResource extends Error {
  override readonly name = 'UnknownResource'
  readonly uri: string
  constructor(uri: string) {
    super('Resource not found')
    this.uri = uri
  }
}

/** What is completed: an argument of a prompt, or a variable of a resource's template. */
interface CompletionOf {
  readonly kind: 'prompt' | 'template'
  /** The prompt's name, or the template as it was listed. */
  readonly of: string
  readonly argument: string
  readonly value: string
  readonly others: Readonly<Record<string, string>>
}

interface Completed {
  readonly values: readonly string[]
  /** Are there others? */
  readonly more: boolean
}
const NONE: Completed = { values: [], more: false }

/** Resources and prompts: what there is for whom (D12, as for tools), and reading it in the tenant's transaction. */
export interface Library {
  readonly has: { readonly resources: boolean; readonly prompts: boolean }
  /** One page. Throws InvalidArguments for a cursor that is not of this list, Failed. */
  resources(principal: Principal, cursor: string | undefined, request: CallRequest): Promise<ResourceList>
  templates(principal: Principal): readonly WireTemplate[]
  prompts(principal: Principal): readonly WirePrompt[]
  /** Throws UnknownResource, InvalidArguments, Failed. */
  read(principal: Principal, uri: string, request: CallRequest): Promise<ReadResourceResult | InputRequiredResult>
  /** Throws InvalidArguments (an unknown prompt too), Failed. */
  get(
    principal: Principal,
    name: string,
    args: unknown,
    request: CallRequest,
  ): Promise<GetPromptResult | InputRequiredResult>
  /** Throws InvalidArguments, Failed. What has no completions gives an empty list. */
  complete(principal: Principal, what: CompletionOf, request: CallRequest): Promise<Completed>
  /** All scopes that reading this takes; null when it is not there for this principal. */
  requiredScopes(principal: Principal, kind: 'resource' | 'prompt', name: string): readonly string[] | null
}

export interface LibraryOptions {
  readonly resources: ReadonlyMap<string, Resource>
  readonly prompts: ReadonlyMap<string, Prompt>
  readonly runner: Runner
}

export function createLibrary({ resources, prompts, runner }: LibraryOptions): Library {
  const shelf = [...resources.values()].sort(byName).map((resource) => ({ resource, match: matcher(resource.uri) }))
  const sorted = [...prompts.values()].sort(byName)
  const seen = (principal: Principal) => shelf.filter(({ resource }) => existsFor(principal, resource))

  /** A URI of its own before a template that would match it too. */
  const find = (principal: Principal, uri: string) => {
    const found = seen(principal).flatMap(({ resource, match }) => {
      const variables = match(uri)
      return variables === null ? [] : [{ resource, variables }]
    })
    return found.find(({ resource }) => resource.uri === uri) ?? found[0]
  }
  const promptOf = (principal: Principal, name: string): Prompt | null => {
    const prompt = prompts.get(name)
    return prompt !== undefined && existsFor(principal, prompt) ? prompt : null
  }

  return {
    has: { resources: shelf.length > 0, prompts: sorted.length > 0 },
    async resources(principal, cursor, request) {
      const own = seen(principal)
      const fixed = own
        .filter(({ resource }) => !UriTemplate.isTemplate(resource.uri))
        .map(({ resource }) => ({ uri: resource.uri, ...described(resource) }))
      // What the token does not allow to read is not listed either; a list is no reason for a challenge.
      const lists = own
        .filter(({ resource }) => resource.list !== undefined && mayRead(principal, resource))
        .map(({ resource, match }) => ({ resource, fits: (uri: string) => match(uri) !== null }))
      return await listResources({ fixed, lists }, runner, principal, cursor, request)
    },
    templates: (principal) =>
      seen(principal)
        .filter(({ resource }) => UriTemplate.isTemplate(resource.uri))
        .map(({ resource }) => ({ uriTemplate: resource.uri, ...described(resource) })),
    prompts: (principal) => sorted.filter((prompt) => existsFor(principal, prompt)).map(wirePrompt),

    async read(principal, uri, request) {
      const found = find(principal, uri)
      const args = { uri }
      if (found === undefined) {
        await runner.unknown({ principal, request, args }, 'resource')
        throw new UnknownResource(uri)
      }
      const { resource, variables } = found
      const outcome = await runner.run<ReadResourceResult | null>({
        principal,
        request,
        subject: resource,
        action: resource.name,
        call: { method: 'resources/read', name: uri },
        args,
        read: async () => {
          refuseUnstorable(resource.name, { uri, ...variables })
          return variables
        },
        async perform(_, context, most) {
          const content = await resource.read(variables, context)
          if (content instanceof Asking || content === null) return content
          const type = content.mimeType ?? resource.mimeType
          return withinLimit(
            { contents: [{ uri, ...(type === undefined ? {} : { mimeType: type }), ...content }] },
            most,
          )
        },
        target: () => uri.slice(0, 256),
      })
      const result = answerOrAsking(outcome)
      if (result === null) throw new UnknownResource(uri)
      return result
    },

    async get(principal, name, args, request) {
      const prompt = promptOf(principal, name)
      if (prompt === null) {
        await runner.unknown({ principal, request, args }, name)
        throw new InvalidArguments(`Unknown prompt: ${name.slice(0, LONGEST_NAME)}`)
      }
      return answerOrAsking(
        await runner.run<GetPromptResult>({
          principal,
          request,
          subject: prompt,
          action: name,
          call: { method: 'prompts/get', name },
          args,
          read: async () => await readArguments(prompt, args),
          async perform(input, context, most) {
            const answer = await prompt.run(input, context)
            if (answer instanceof Asking) return answer
            const messages: GetPromptResult['messages'] =
              typeof answer === 'string' ? [{ role: 'user', content: { type: 'text', text: answer } }] : [...answer]
            return withinLimit({ description: prompt.description, messages }, most)
          },
          target: () => null,
        }),
      )
    },

    async complete(principal, { kind, of, argument, value, others }, request) {
      const found =
        kind === 'prompt'
          ? promptOf(principal, of)
          : (seen(principal).find(({ resource }) => resource.uri === of)?.resource ?? null)
      if (found === null) throw new InvalidArguments(`Unknown ${kind}: ${of.slice(0, LONGEST_NAME)}`)
      const complete = completerOf(found.complete, argument)
      // What the token does not allow to read is not completed either; completing is no reason for a challenge.
      if (complete === undefined || !mayRead(principal, found)) return NONE
      const outcome = await runner.run<readonly string[]>({
        principal,
        request,
        subject: found,
        action: found.name,
        call: { method: 'completion/complete', name: of },
        args: { argument, value },
        read: async () => {
          refuseUnstorable(found.name, { value, others })
          return {}
        },
        perform: async (_, context) => await complete(value, context, others),
        target: () => null,
      })
      if (!('answer' in outcome)) return NONE
      const { answer } = outcome
      return { values: answer.slice(0, MOST_COMPLETIONS), more: answer.length > MOST_COMPLETIONS }
    },

    requiredScopes(principal, kind, name) {
      const found = kind === 'prompt' ? promptOf(principal, name) : find(principal, name)?.resource
      return found?.scopes ?? null
    },
  }
}

const mayRead = (principal: Principal, { scopes }: Pick<Resource, 'scopes'>): boolean =>
  scopes.every((scope) => principal.scopes.has(scope))

const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1)

const answerOrAsking = <Answer>(outcome: Outcome<Answer>): Answer | InputRequiredResult =>
  'asking' in outcome ? outcome.asking : outcome.answer

const completerOf = (completions: Completions | undefined, argument: string) =>
  completions !== undefined && Object.hasOwn(completions, argument) ? completions[argument] : undefined

/** Answers the variables of a URI that fits, else null. */
function matcher(uri: string): (uri: string) => Record<string, string> | null {
  if (!UriTemplate.isTemplate(uri)) return (asked) => (asked === uri ? {} : null)
  const template = new UriTemplate(uri)
  return (asked) => {
    const variables = template.match(asked)
    if (variables === null) return null
    try {
      return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, decoded(value)]))
    } catch {
      return null
    }
  }
}

/** RFC 6570 writes values percent-encoded. Throws URIError when the encoding is broken. */
const decoded = (value: string | readonly string[]): string => decodeURIComponent([value].flat().join(','))

const described = ({ name, title, description, mimeType }: Resource) => ({
  name,
  title,
  description,
  ...(mimeType === undefined ? {} : { mimeType }),
})

const wirePrompt = ({ name, title, description, input }: Prompt): WirePrompt => ({
  name,
  title,
  description,
  arguments: Object.entries(input.shape).map(([argument, schema]) => ({
    name: argument,
    ...(schema.description === undefined ? {} : { description: schema.description }),
    required: !schema.safeParse(undefined).success,
  })),
})
