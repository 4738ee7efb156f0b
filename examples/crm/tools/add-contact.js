import { defineTool, ToolError, z } from 'gatehouse'
import { bodyOf, Contact } from './shared/contact.js'

export default defineTool({
  title: 'Add a contact',
  description: 'Adds a contact to the CRM. Fails when there is one with the same address.',
  scopes: ['contacts:write'],
  // Whatever is not a GET needs 'write': the call is audited in its own transaction, and clients are told that it changes something.
  access: 'write',
  annotations: { openWorldHint: true },
  input: z.object({ name: z.string().min(1).max(200), email: z.email() }),
  output: Contact,
  target: (_input, result) => (typeof result?.structured?.id === 'string' ? result.structured.id : null),
  async run({ name, email }, { upstream }) {
    const response = await upstream('crm').request('/contacts', { method: 'POST', json: { name, email } })
    if (response.status === 409) throw new ToolError(`There is a contact with the address ${email} already.`)
    const contact = bodyOf(response, Contact)
    return { text: `Added ${contact.name}, id ${contact.id}.`, structured: contact }
  },
})
