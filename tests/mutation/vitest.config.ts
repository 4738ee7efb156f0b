import { mergeConfig, type ViteUserConfig } from 'vitest/config'
import base from '../../vitest.config.ts'
import { rooms } from './rooms.ts'

/** The tests of one room (MUTATE_ROOM), as Stryker runs them: always the same, and a hanging mutant is soon over. */
const room = rooms[process.env['MUTATE_ROOM'] ?? '']
if (room === undefined) throw new Error('MUTATE_ROOM names no room of tests/mutation/rooms.ts')

const merged: ViteUserConfig = mergeConfig(base, {
  test: { setupFiles: ['tests/mutation/hooks.ts', 'tests/mutation/seed.ts'], testTimeout: 8_000, hookTimeout: 15_000 },
})
export default {
  ...merged,
  test: {
    ...merged.test,
    sequence: { ...merged.test?.sequence, setupFiles: 'list' },
    env: { TEST_DATABASES: 'postgres' },
    include: [...room.tests],
    // Each run has a thread of its own anyway; one for all its files spares importing everything again for each of them.
    isolate: false,
    globalSetup: room.postgres ? ['tests/support/global.ts'] : [],
  },
}
