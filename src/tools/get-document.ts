import { z } from 'zod'
import { defineTool } from '#toolkit/tool.ts'
import { document, PART, readDocument, readVersion } from './shared/document.ts'
import { idOf } from './shared/fields.ts'

export default defineTool({
  title: 'Get document',
  description: `Answers one document by its id. Long ones come in parts of up to ${PART} characters: go on with offset = next_offset.`,
  scopes: ['documents:read'],
  access: 'read',
  input: z.object({
    id: idOf('document'),
    version: z.int().min(1).max(2_147_483_647).optional().describe('An earlier version; default: the present one.'),
    offset: z.int().min(0).max(200_000).default(0).describe('Character of the content to begin with.'),
    length: z.int().min(1).max(PART).default(PART).describe('Most characters of content to answer.'),
  }),
  output: document,
  run: async ({ id, version, offset, length }, { db }) => {
    const structured =
      version === undefined
        ? await readDocument(db, id, offset, length)
        : await readVersion(db, { id, version }, offset, length)
    const { title, content, content_length, next_offset } = structured
    const rest =
      next_offset === null
        ? ''
        : `\n\n(${content_length - next_offset} more characters: call again with offset ${next_offset})`
    return { text: `# ${title}\n\n${content}${rest}`, structured }
  },
})
