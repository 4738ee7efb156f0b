import { defineConfig } from 'vitest/config'

/**
 * What kills servers, waits out real time limits, or repeats in a browser what is tested without one. `npm run test:slow` runs these, CI runs
 * everything; `npm test` leaves them out, so that it stays under five minutes on two cores.
 */
const SLOW = [
  'tests/faults/**/*.test.ts',
  'tests/db/{citus,cluster,embedded,replica-server,transaction}.test.ts',
  'tests/identity/floods.test.ts',
  'tests/providers/seven-cases.test.ts',
  'tests/conformance/client.test.ts',
  'tests/e2e/{production,platforms,secrets,two-processes,workers,strangers}.test.ts',
  'tests/examples/readme.test.ts',
  'tests/cli/{probe,process,registry,token,audit-tail,archive,doctor-database,doctor-drift,doctor-replicas}.test.ts',
  'tests/browser/{admin-story,connect,console,consent,console-pages,domains,keys,operator,people,settings}.test.ts',
  'tests/tenancy/archive/*.test.ts',
  'tests/tenancy/{audit-retention,moves}.test.ts',
  'tests/sign-in/replicas.test.ts',
  'tests/docs/{recording,tools}.test.ts',
  'tests/http/{reload,serve,guessing,admission}.test.ts',
  'tests/login/{embedded,renewal,service-tokens}.test.ts',
  'tests/db/{administration,claims-migration}.test.ts',
  'tests/tenancy/backup/round-trip.test.ts',
  'tests/console/odd-addresses.test.ts',
  'tests/packed/*.test.ts',
  'tests/examples/tools.test.ts',
  'tests/bench/run.test.ts',
]
/** TEST_SLOW: `only` these, these `too`; else none of them. */
const slow = process.env['TEST_SLOW'] ?? 'none'

export default defineConfig({
  // Tests read the source, never dist/; only processes that they start run the build (tests/support/build.ts makes it).
  // The condition is ours alone: some dependencies publish their TypeScript under plain 'source'.
  ssr: { resolve: { conditions: ['gatehouse-source', 'node'] } },
  test: {
    include: slow === 'only' ? SLOW : ['tests/**/*.test.ts'],
    exclude: slow === 'none' ? [...SLOW, '**/node_modules/**'] : ['**/node_modules/**'],
    globalSetup: ['tests/support/build.ts', 'tests/support/global.ts'],
    setupFiles: ['tests/support/no-network.ts'],
    maxWorkers: 2,
    // Two processes for all files: a process for each would load the program 200 times, half of the suite's time. So no test may leave
    // anything behind in its module or process.
    isolate: false,
    // A test that needs it is named by the reporter (second-chance.ts).
    retry: Number(process.env['TEST_RETRY'] ?? 0),
    reporters: ['default', './tests/support/second-chance.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
})
