import type { Resource as WireResource } from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { Principal } from '#tenancy/tenant.ts'
import { InvalidArguments } from './arguments.ts'
import { cursorOf, encodeCursor } from './cursor.ts'
import type { ListedResource, Resource, ResourcePage } from './resource.ts'
import { withinLimit } from './result.ts'
import type { CallRequest } from './call-request.ts'
import type { Runner } from './run.ts'

/** Entries after which a page ends; what one template answers at once comes on top. */
const PAGE = 100

/** One page of resources/list. */
export interface ResourceList {
  readonly resources: readonly WireResource[]
  readonly nextCursor?: string
}

/** Where a page begins: after so many fixed ones, or within one template's own list. Sort keys only (D34). */
const cursor = cursorOf({ of: z.string().max(128), after: z.string().max(512).nullable() })

interface Shelf {
  /** Those without a template, by name: nobody has to be asked for them. */
  readonly fixed: readonly WireResource[]
  /** Templates with a list of their own, by name, which this principal may read. */
  readonly lists: readonly { readonly resource: Resource; readonly fits: (uri: string) => boolean }[]
}

/**
 * Fixed resources first, then what each template lists, in the tenant of who asks, until the page is full: as many clients look at the first
 * page only, it is filled from several. Throws InvalidArguments for a cursor that is not of this list, Failed.
 */
export async function listResources(
  { fixed, lists }: Shelf,
  runner: Runner,
  principal: Principal,
  given: string | undefined,
  request: CallRequest,
): Promise<ResourceList> {
  const from = given === undefined ? { of: '', after: null } : begin(given)
  const resources: WireResource[] = from.of === '' ? fixedAfter(fixed, from.after) : []
  if (resources.length > PAGE) {
    const shown = resources.slice(0, PAGE)
    return { resources: shown, nextCursor: encodeCursor({ of: '', after: shown.at(-1)?.name ?? null }) }
  }
  const first = from.of === '' ? 0 : lists.findIndex(({ resource }) => resource.name === from.of)
  if (first === -1) throw new InvalidArguments('cursor: not one that this server gave')
  for (const { resource, fits } of lists.slice(first)) {
    for (let after = resource.name === from.of ? from.after : null; ;) {
      if (resources.length >= PAGE) return { resources, nextCursor: encodeCursor({ of: resource.name, after }) }
      const page = await listOne(runner, principal, resource, after, request)
      resources.push(...page.resources.map((one) => wireOf(resource, one, fits)))
      // A page without entries is the last, whatever it says: nothing would ever end otherwise.
      if (page.next === null || page.resources.length === 0) break
      after = page.next
    }
  }
  return { resources }
}

function begin(text: string): { readonly of: string; readonly after: string | null } {
  const read = cursor.safeParse(text)
  if (!read.success) throw new InvalidArguments('cursor: not one that this server gave')
  return read.data
}

const fixedAfter = (fixed: readonly WireResource[], after: string | null): WireResource[] =>
  fixed.filter(({ name }) => after === null || name > after)

/** A transaction of its own with an audit row, as every reading of the tenant's data. */
async function listOne(
  runner: Runner,
  principal: Principal,
  resource: Resource,
  after: string | null,
  request: CallRequest,
): Promise<ResourcePage> {
  const outcome = await runner.run<ResourcePage>({
    principal,
    request,
    subject: resource,
    action: resource.name,
    call: { method: 'resources/list', name: resource.uri },
    args: { after },
    read: async () => ({}),
    perform: async (_, context, most) =>
      withinLimit((await resource.list?.(after, context)) ?? { resources: [], next: null }, most),
    target: () => null,
  })
  return 'answer' in outcome ? outcome.answer : { resources: [], next: null }
}

function wireOf(
  { name: kind, mimeType: usual }: Resource,
  { uri, name, title, description, mimeType = usual, size, changedAt }: ListedResource,
  fits: (uri: string) => boolean,
): WireResource {
  if (!fits(uri)) throw new Error(`${kind} lists what does not fit its template`)
  return {
    uri,
    name,
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(mimeType === undefined ? {} : { mimeType }),
    ...(size === undefined ? {} : { size }),
    ...(changedAt === undefined ? {} : { annotations: { lastModified: changedAt.toISOString() } }),
  }
}
