/** What an operator's tool imports: `import { defineTool, sql, z } from 'gatehouse'`. */
export * from '#toolkit/tool.ts'
export { z } from 'zod'
