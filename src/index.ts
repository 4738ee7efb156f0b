/** What an operator's tool, resource or prompt imports: `import { defineTool, sql, z } from 'gatehouse'`. */
export * from '#toolkit/tool.ts'
export { z } from 'zod'
