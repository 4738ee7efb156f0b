import type { CallToolResult } from '@modelcontextprotocol/server'
import { ToolError, type Tool, type ToolResult } from './tool.ts'

/** A tool answered something else than its output schema promises: a bug, hidden from the caller. */
class OutputMismatch extends Error {
  override readonly name = 'OutputMismatch'
}

/**
 * The result as MCP says it. Throws when it is not what the tool's output schema promises, and ToolError when it is too large; both
 * before the commit, so that a write whose answer nobody gets has not happened.
 */
export function toWire(tool: Tool, { text, content: more = [], structured }: ToolResult, most: number): CallToolResult {
  const content: CallToolResult['content'] = [{ type: 'text', text }, ...more]
  const result =
    tool.output === undefined ? { content } : { content, structuredContent: checked(tool, tool.output, structured) }
  return withinLimit(result, most)
}

/**
 * The same value, or ToolError when it is too large to answer (D33).
 * @param most octets as JSON.
 */
export function withinLimit<T>(result: T, most: number): T {
  // What is surely small enough is not made JSON here and then again for the wire.
  if (mostBytes(result, 0, most) > most && Buffer.byteLength(JSON.stringify(result)) > most) {
    throw new ToolError(
      `The answer is larger than ${sizeInWords(most)}. Ask for less, for example with a smaller limit or one item at a time.`,
    )
  }
  return result
}

/** JSON writes a character in six bytes at most, and what is neither text nor object in 32. Stops counting above `most`. */
function mostBytes(value: unknown, before: number, most: number): number {
  if (typeof value === 'string') return before + value.length * 6 + 3
  if (typeof value !== 'object' || value === null) return before + 32
  // Whoever has words of its own for JSON may have many.
  if ('toJSON' in value) return Infinity
  let bytes = before + 2
  for (const name of Object.keys(value)) {
    bytes = mostBytes(Reflect.get(value, name), bytes + name.length * 6 + 4, most)
    if (bytes > most) return bytes
  }
  return bytes
}

function checked(
  tool: Tool,
  output: NonNullable<Tool['output']>,
  structured: ToolResult['structured'],
): Record<string, unknown> {
  const parsed = output.safeParse(structured)
  if (parsed.success) return parsed.data
  const fields = parsed.error.issues.map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`)
  throw new OutputMismatch(`${tool.name} broke its output schema: ${fields.join('; ')}`)
}

const sizeInWords = (bytes: number): string =>
  bytes % 1_048_576 === 0 ? `${bytes / 1_048_576} MiB` : `${Math.floor(bytes / 1024)} KiB`
