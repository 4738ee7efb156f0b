import type { Row } from '../answers.ts'
export const surface: readonly Row[] = []
