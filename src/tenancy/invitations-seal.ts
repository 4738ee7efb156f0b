import { z } from 'zod'
import type { Clock } from '#base/clock.ts'
import { createSeal, type Seal } from '#base/seal.ts'

const INSIDE = z.strictObject({ id: z.uuid() })

/** Which invitation a link is of. Another deployment's link opens nothing here (D25). @param life seconds. */
export const createInvitationSeal = (options: {
  readonly issuer: string
  readonly secrets: readonly string[]
  readonly clock: Clock
  readonly life: number
}): Seal<z.infer<typeof INSIDE>> => createSeal({ ...options, purpose: 'invitation', schema: INSIDE })
