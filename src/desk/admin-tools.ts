import { z } from 'zod'
import { ConfigError } from '#base/config.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import type { OfferedTool } from '#tenancy/tenant-tools.ts'
import { toolOf } from '#toolkit/load.ts'
import { defineTool, ToolError, type Tool, type ToolContext, type ToolDefinition } from '#toolkit/tool.ts'
import { CHAT_OPERATIONS } from './chat.ts'
import type { Call, Desk, Operation } from './operation.ts'

/** What every one of them needs; without the owner's word nobody has it over MCP (tenancy/over-mcp.ts). */
const SCOPE = 'tenant:admin'

/** What a call that changes power answers: nothing is done before the person opened the page and pressed the button. */
const waiting = z.object({
  status: z.literal('confirmation_required'),
  confirm_url: z
    .url()
    .describe('For the person to open in a browser: the console shows what was asked and does it, or not.'),
  expires_at: z.iso.datetime().describe('RFC 3339, UTC: 10 minutes from now.'),
})

/**
 * The operations of the desk as tools (D32). What reads is answered; what changes who may do what is written down and answered as a link to
 * the console, where the same person confirms it with a fresh sign-in. No result holds a secret: such an operation is one of power.
 * @param publicUrl no trailing slash.
 * @throws ConfigError when a tool of an operator has the name of one of them.
 */
export function withAdminTools(
  tools: ReadonlyMap<string, Tool>,
  desk: Desk,
  publicUrl: string,
): ReadonlyMap<string, Tool> {
  const taken = CHAT_OPERATIONS.filter(({ id }) => tools.has(id))
  if (taken.length > 0)
    throw new ConfigError(
      taken.map(({ id }) => `the tool ${id} of TOOLS_DIR has the name of a tool for administrators`),
    )
  const own = CHAT_OPERATIONS.map((operation) => toolOf(operation.id, definitionOf(operation, desk, publicUrl)))
  return new Map([...tools, ...own.map((tool) => [tool.name, tool] as const)])
}

/** Every tool that a tenant can switch off: those that were loaded, and those for admins. */
export const offeredTools = (tools: ReadonlyMap<string, Tool>): readonly OfferedTool[] =>
  [...tools.values(), ...CHAT_OPERATIONS.map(({ id, title }) => ({ name: id, title }))].map(({ name, title }) => ({
    name,
    title,
  }))

function definitionOf(operation: Operation, desk: Desk, publicUrl: string): ToolDefinition {
  const { title, description, effect, input } = operation
  const common = { title, scopes: [SCOPE], access: 'none', input } as const
  if (effect === 'power') {
    return defineTool({
      ...common,
      description: `${description} Answers a link: nothing is done until the person confirms it there.`,
      annotations: { readOnlyHint: false },
      output: waiting,
      run: async (given, context) => await told(async () => await ask(operation, given, context, desk, publicUrl)),
    })
  }
  if ((operation.secrets ?? []).length > 0)
    throw new Error(`${operation.id} shows a secret, so it must be one of power`)
  return defineTool({
    ...common,
    description,
    annotations: { readOnlyHint: effect === 'read' },
    output: operation.output,
    run: async (given, context) =>
      await told(async () => {
        const structured = operation.output.parse(await operation.run(given, callOf(context, desk)))
        return { text: JSON.stringify(structured, null, 1), structured }
      }),
  })
}

const callOf = ({ principal, request }: ToolContext, desk: Desk): Call => ({
  ...desk,
  tenant: principal.tenant,
  actor: { kind: 'person', principal, request_id: request.id, ip: request.ip },
})

async function ask(
  { id, title }: Operation,
  input: Record<string, unknown>,
  context: ToolContext,
  desk: Desk,
  publicUrl: string,
): Promise<{ readonly text: string; readonly structured: z.output<typeof waiting> }> {
  const { tenant, actor, registry } = callOf(context, desk)
  const asked = await registry.confirmations.ask(tenant, actor, { operation: id, input })
  const confirm_url = `${publicUrl}/console/t/${tenant.slug}/confirm/${asked.id}`
  return {
    text: `Not done yet: ${title}. The person has to open this page within 10 minutes and confirm it: ${confirm_url}`,
    structured: { status: 'confirmation_required', confirm_url, expires_at: asked.expires_at },
  }
}

/** What the registry will not do is said to the caller in its own words. */
async function told<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof RegistryError) throw new ToolError(error.message)
    throw error
  }
}
