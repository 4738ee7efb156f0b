import { systemClock, type Clock } from '#base/clock.ts'
import type { Environment } from '#base/config-reader.ts'
import { createOutgoing, type Outgoing } from './outgoing.ts'
import { readSettings, type BridgeSettings } from './settings.ts'
import { createStore, type Store } from './store.ts'

/** What every command of the client side works with. */
export interface BridgeParts {
  readonly settings: BridgeSettings
  readonly clock: Clock
  readonly store: Store
  readonly outgoing: Outgoing
}

/** @throws BridgeFailure `usage` when the environment says something impossible. */
export function createParts(env: Environment | undefined, tell: (line: string) => void): BridgeParts {
  const settings = readSettings(env)
  const clock = systemClock
  const store = createStore({ folder: settings.folder, kind: settings.store, clock, tell })
  return { settings, clock, store, outgoing: createOutgoing() }
}
