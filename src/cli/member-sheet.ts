import type { MemberRecord } from '#tenancy/members.ts'
import { moment, sheet } from './table.ts'
import { answer, type Terminal } from './terminal.ts'

/** One member as the answer of a command. */
export function showMember(terminal: Terminal, json: boolean | undefined, record: MemberRecord): void {
  const now = Date.now()
  answer(terminal, json, record, () =>
    sheet({
      ...record,
      tokens_not_before: moment(record.tokens_not_before, now),
      created_at: moment(record.created_at, now),
      removed_at: moment(record.removed_at, now),
    }),
  )
}
