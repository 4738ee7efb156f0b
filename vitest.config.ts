import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Tests read the source, never dist/; only processes that they start run the build (tests/support/build.ts makes it).
  // The condition is ours alone: some dependencies publish their TypeScript under plain 'source'.
  ssr: { resolve: { conditions: ['gatehouse-source', 'node', 'module'] } },
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/support/build.ts', 'tests/support/global.ts'],
    setupFiles: ['tests/support/no-network.ts'],
    maxWorkers: 2,
    // Two processes for all files: a process for each would load the program 200 times, half of the suite's time. So no test may leave
    // anything behind in its module or process.
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
})
