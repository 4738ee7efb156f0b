import { answerOf, ask, askPerson, defineTool, sql, ToolError, z } from 'gatehouse'

const Sure = z.object({ sure: z.boolean().describe('Really forget this contact?') })

export default defineTool({
  title: 'Forget a contact',
  description: 'Deletes a contact and its notes, after asking the person.',
  scopes: ['contacts:write'],
  access: 'write',
  annotations: { destructiveHint: true },
  input: z.object({ id: z.uuid() }),
  async run({ id }, context) {
    const [contact] = await context.db.query<{ name: string }>(sql`SELECT name FROM x_contacts WHERE id = ${id}`)
    if (contact === undefined) throw new ToolError('contact not found')
    if (context.state === undefined) return ask({ sure: askPerson(`Forget ${contact.name}?`, Sure) }, { asked: true })
    if (answerOf(context, 'sure', Sure)?.sure !== true) throw new ToolError('Nothing was forgotten.')
    await context.db.query(sql`DELETE FROM x_contacts WHERE id = ${id}`)
    return `${contact.name} is forgotten.`
  },
})
