import type { Row } from '../answers.ts'
export const provider: readonly Row[] = []
