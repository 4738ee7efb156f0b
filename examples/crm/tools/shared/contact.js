import { ToolError, z } from 'gatehouse'

/** What tools answer of a contact: checked, because the API is not ours. */
export const Contact = z.object({ id: z.string(), name: z.string(), email: z.string() })

/** The body of an answer that went well. What went wrong is said in our words; those of the API are not for the caller. */
export function bodyOf(response, shape) {
  if (!response.ok) throw new ToolError(`The CRM answered ${response.status}.`)
  const read = shape.safeParse(response.json())
  if (!read.success) throw new ToolError('The CRM answered something unexpected.')
  return read.data
}
