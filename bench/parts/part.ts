import type { Generator } from '../loads.ts'
import type { Pace } from '../alternate.ts'
import type { Cores } from '../cores.ts'
import type { Row } from '../row.ts'
import type { World } from '../world.ts'

/** What every part of the bench works with. */
export interface Bench {
  readonly world: World
  readonly generator: Generator
  readonly cores: Cores | null
  readonly pace: Pace
  /** With the peers from npm? */
  readonly peers: boolean
  /** As many tenants as the largest case has. */
  readonly tenants: number
  /** Distinct tokens of that case. */
  readonly tokens: number
}

/** A part of the bench: its lines of the table. */
export type Part = (bench: Bench) => Promise<readonly Row[]>
