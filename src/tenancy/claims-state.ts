import type { DomainRow } from './claims-row.ts'
import type { Finding } from './domain-check.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Between the background's checks of a claim; the last one goes on. */
const BACK_OFF = [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 16 * HOUR, DAY] as const
/** A verified domain is looked at this often. */
const RHYTHM = DAY
/** After an answer that could not be judged. */
const AGAIN = HOUR
/** How long a claim may stay without proof, and a lapsed domain lapsed. */
export const CLAIM_LIFE = 30 * DAY
/** How long judged failures may go on before a verified domain lapses. */
const GRACE = 7 * DAY

/** When the background looks at a claim for the first time, and after so many judged failures. */
export const backOff = (failures: number): number => BACK_OFF[Math.min(failures, BACK_OFF.length - 1)] ?? DAY

/** The columns that a check can change. */
export type ClaimState = Pick<
  DomainRow,
  | 'state'
  | 'token'
  | 'verified_by'
  | 'verified_at'
  | 'owner_candidate'
  | 'next_check'
  | 'failures'
  | 'failing_since'
  | 'awaiting_since'
  | 'lapsed_at'
  | 'problem'
>

/** What becomes of a domain after a check. */
export interface Advance {
  readonly state: ClaimState
  /** For the audit; null: nothing that anyone must be told. */
  readonly action: `domain.${string}` | null
  /** The member who proved a domain that was the tenant's already, and becomes owner if there is none (D10). */
  readonly crowned: string | null
}

export interface Circumstances {
  readonly now: number
  /** By the background, whose failures stretch its own rhythm; a person's "check now" leaves it alone. */
  readonly background: boolean
  /** The domain is verified for another tenant. */
  readonly contested: boolean
}

/**
 * pending > verified > lapsed > expired. A judged failure starts the grace of a verified domain and stretches the rhythm of a claim; an
 * answer that cannot be judged does neither. What lapsed once is never verified again by itself (D8).
 * @param finding null: nothing was asked, as there is no token; only time counts.
 */
export function advance(row: DomainRow, finding: Finding | null, circumstances: Circumstances): Advance {
  if (finding?.verdict === 'proved') return proved(row, circumstances)
  const { now } = circumstances
  const end = expiresAt(row)
  const judged = finding?.verdict === 'absent'
  const awaiting = judged ? null : row.awaiting_since
  const problem = finding === null ? row.problem : finding.problem
  if (end !== null && end.getTime() <= now) return ended(row, problem)
  const kept: ClaimState = { ...stateOf(row), problem, awaiting_since: awaiting }
  if (!judged) {
    // An approval that is waited for is still the thing to tell of.
    const still = awaiting === null ? problem : row.problem
    const wait = finding === null ? null : AGAIN
    return {
      state: { ...kept, problem: still, next_check: next(row, circumstances, wait) },
      action: null,
      crowned: null,
    }
  }
  const failures = row.failures + (circumstances.background ? 1 : 0)
  if (row.state !== 'verified' || row.verified_by !== 'dns') {
    const wait = row.state === 'lapsed' ? RHYTHM : backOff(failures)
    return { state: { ...kept, failures, next_check: next(row, circumstances, wait) }, action: null, crowned: null }
  }
  const since = row.failing_since ?? new Date(now)
  const failing = { ...kept, failures, failing_since: since, next_check: new Date(now + RHYTHM) }
  if (now - since.getTime() < GRACE)
    return { state: failing, action: row.failing_since === null ? 'domain.failing' : null, crowned: null }
  const lapsed = { ...failing, state: 'lapsed', lapsed_at: new Date(now), failing_since: null } as const
  return { state: lapsed, action: 'domain.lapsed', crowned: null }
}

function proved(row: DomainRow, { now, contested }: Circumstances): Advance {
  const found: ClaimState = {
    ...stateOf(row),
    failures: 0,
    failing_since: null,
    problem: null,
    next_check: new Date(now + RHYTHM),
  }
  if (contested || row.lapsed_at !== null) {
    const problem = contested ? 'contested' : 'approval'
    const news = row.awaiting_since === null || row.problem !== problem
    const awaiting = { ...found, problem, awaiting_since: row.awaiting_since ?? new Date(now) }
    return { state: awaiting, action: news ? `domain.${contested ? 'contested' : 'reproved'}` : null, crowned: null }
  }
  if (row.state === 'verified' && row.verified_by === 'dns')
    return { state: found, action: row.failing_since === null ? null : 'domain.recovered', crowned: null }
  return { state: { ...found, ...verifiedAt(now) }, action: 'domain.verified', crowned: row.owner_candidate }
}

/** An operator's word after a proof: the one thing that verifies a domain again, or takes it from another tenant. */
export const approved = (row: DomainRow, now: number): ClaimState => ({
  ...stateOf(row),
  ...verifiedAt(now),
  failures: 0,
  failing_since: null,
  lapsed_at: null,
  problem: null,
  next_check: new Date(now + RHYTHM),
})

const verifiedAt = (now: number) =>
  ({
    state: 'verified',
    verified_by: 'dns',
    verified_at: new Date(now),
    awaiting_since: null,
    owner_candidate: null,
  }) as const

/** Time is up. A domain that somebody vouches for stays verified; only the claim to prove it as well is over. */
function ended(row: DomainRow, problem: string | null): Advance {
  const over = { ...stateOf(row), token: null, owner_candidate: null, next_check: null, awaiting_since: null }
  if (row.state === 'verified')
    return { state: { ...over, problem: null, failures: 0 }, action: 'domain.claim_expired', crowned: null }
  return { state: { ...over, state: 'expired', problem }, action: 'domain.expired', crowned: null }
}

/** When an open claim or a lapsed domain ends without proof; null while one waits for an operator. */
export function expiresAt(row: DomainRow): Date | null {
  if (row.awaiting_since !== null) return null
  const claimed = row.claimed_at?.getTime() ?? row.created_at.getTime()
  if (row.state === 'pending') return new Date(claimed + CLAIM_LIFE)
  if (row.state === 'lapsed') return new Date(Math.max(claimed, row.lapsed_at?.getTime() ?? 0) + CLAIM_LIFE)
  // Proving what somebody vouches for already.
  const proving = row.state === 'verified' && row.verified_by !== 'dns' && row.token !== null
  return proving ? new Date(claimed + CLAIM_LIFE) : null
}

export const lapsesAt = ({ state, failing_since: since }: DomainRow): Date | null =>
  state === 'verified' && since !== null ? new Date(since.getTime() + GRACE) : null

/** Never beyond the end, which must not wait for a check. */
function next(row: DomainRow, { now, background }: Circumstances, wait: number | null): Date | null {
  const end = expiresAt(row)
  const due = row.next_check?.getTime() ?? 0
  // Whoever asks by hand must not put off what is due.
  const at =
    wait === null ? Number.POSITIVE_INFINITY : !background && due > now ? Math.min(due, now + wait) : now + wait
  const earliest = Math.min(at, end?.getTime() ?? Number.POSITIVE_INFINITY)
  return Number.isFinite(earliest) ? new Date(earliest) : null
}

const stateOf = (row: DomainRow): ClaimState => ({
  state: row.state,
  token: row.token,
  verified_by: row.verified_by,
  verified_at: row.verified_at,
  owner_candidate: row.owner_candidate,
  next_check: row.next_check,
  failures: row.failures,
  failing_since: row.failing_since,
  awaiting_since: row.awaiting_since,
  lapsed_at: row.lapsed_at,
  problem: row.problem,
})
