/** What an operator's tool, resource or prompt imports: `import { defineTool, sql, z } from 'gatehouse'`. */
export * from '#toolkit/tool.ts'
export { definePrompt } from '#toolkit/prompt.ts'
export { defineResource } from '#toolkit/resource.ts'
export { z } from 'zod'
