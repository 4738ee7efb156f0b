import { defineTool, ToolError, z } from 'gatehouse'
import { bodyOf, Contact } from './shared/contact.js'

export default defineTool({
  title: 'Get a contact',
  description: 'One contact of the CRM by its id.',
  scopes: ['contacts:read'],
  access: 'none',
  input: z.object({ id: z.string().min(1).max(100).describe('As find_contacts gives it') }),
  output: Contact,
  async run({ id }, { upstream }) {
    // Segments are encoded: an id cannot lead to another path.
    const response = await upstream('crm').request(['contacts', id])
    if (response.status === 404) throw new ToolError('contact not found')
    const contact = bodyOf(response, Contact)
    return { text: `${contact.name} <${contact.email}>`, structured: contact }
  },
})
