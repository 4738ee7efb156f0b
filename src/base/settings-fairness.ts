import type { Setting } from './settings.ts'

/** How much may be under way at once, and when load is shed: docs/operations/fairness.md. */
export const FAIRNESS_SETTINGS = {
  CONCURRENT_CALLS: {
    group: 'Limits',
    about: 'Calls under way at once in one process; each 64 KiB of a body counts as one more.',
    default: '256',
    example: '256',
  },
  CONCURRENT_CALLS_PER_TENANT: {
    group: 'Limits',
    about: 'The same of one tenant; more wait up to 5 seconds for their turn, 256 at most.',
    default: '64, or CONCURRENT_CALLS if that is less',
    example: '64',
  },
  CONCURRENT_CALLS_PER_PRINCIPAL: {
    group: 'Limits',
    about: 'Calls of one person or key, under way and waiting.',
    default: '128',
    example: '128',
  },
  STREAMS_PER_TENANT: {
    group: 'Limits',
    about: 'Streams of changes that one tenant may have open at once in one process.',
    default: '128',
    example: '128',
  },
  MAX_EVENT_LOOP_DELAY: {
    group: 'Limits',
    about: 'Milliseconds that the event loop may be late before load is shed with 503. 0 turns it off.',
    default: '500',
    example: '500',
  },
  MAX_HEAP: {
    group: 'Limits',
    about: 'MiB of heap in use above which load is shed with 503. 0 turns it off.',
    default: 'nine tenths of what Node may use',
    example: '1500',
  },
} as const satisfies Record<string, Setting>
