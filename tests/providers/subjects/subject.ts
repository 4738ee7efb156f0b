import type { Identity } from '#identity/identity.ts'
import type { Gate } from '../support.ts'

export const CASES = [
  'good',
  "another app's",
  'expired',
  'revoked',
  'provider down',
  'provider slow',
  'provider limits us',
] as const
export type Case = (typeof CASES)[number]

export type Enter = (token: string, ip?: string) => Promise<Identity>
export interface Scene {
  readonly enter: Enter
  readonly token: string
}

export interface Row {
  readonly scene: (gate: Gate) => Scene | Promise<Scene>
  /** As `outcomeOf` says it. */
  readonly ends: string
  /** Requests per endpoint; every other endpoint none. */
  readonly hits: Readonly<Record<string, number>>
  /** Why the case cannot be had as named; `scene` is then what comes closest. */
  readonly instead?: string
}

/** One kind of token of one provider. */
export interface Subject {
  /** The file of providers/ that it proves. */
  readonly file: string
  readonly cases: Readonly<Record<Case, Row>>
}

/** The provider could not be asked, and did not say for how long. */
export const UNAVAILABLE = 'provider_unavailable 503, retry after 10'
/** The provider said 7 seconds. */
export const LIMITED = 'provider_unavailable 503, retry after 7'

export type Trouble = 'error' | 'trickle' | 'limited'

/** Three cases that a provider cannot have which asks nobody outside. */
export function asksNobody(
  scene: Row['scene'],
): Pick<Record<Case, Row>, 'provider down' | 'provider slow' | 'provider limits us'> {
  const row: Row = { instead: 'nobody outside is asked, so nobody outside can fail', scene, ends: 'accepted', hits: {} }
  return { 'provider down': row, 'provider slow': row, 'provider limits us': row }
}
