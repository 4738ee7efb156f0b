import { defineTool, z } from 'gatehouse'
import { bodyOf, Contact } from './shared/contact.js'

export default defineTool({
  title: 'Find contacts',
  description: 'Contacts in the CRM whose name or address contains a text; at most 20.',
  scopes: ['contacts:read'],
  // No database is needed, so none is held while the CRM is waited for.
  access: 'none',
  input: z.object({ q: z.string().max(100).describe('Part of a name or an address') }),
  output: z.object({ items: z.array(Contact) }),
  async run({ q }, { upstream }) {
    const { items } = bodyOf(await upstream('crm').request('/contacts', { query: { q } }), z.object({ items: z.array(Contact) }))
    const text = items.map(({ id, name, email }) => `- ${name} <${email}>, id ${id}`).join('\n')
    return { text: text === '' ? 'No contacts found.' : text, structured: { items } }
  },
})
