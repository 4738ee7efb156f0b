import type { Define } from './commands.ts'
import { defineExplain } from './token-explain.ts'
import { defineRevocations } from './token-revocations.ts'

/** `token explain|revoke|revocations` */
export const define: Define = (command, context) => {
  defineExplain(command, context)
  defineRevocations(command, context)
}
