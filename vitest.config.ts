import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Tests read the source, never dist/. The condition is ours alone: some dependencies publish their TypeScript under plain 'source'.
  ssr: { resolve: { conditions: ['gatehouse-source', 'node', 'module'] } },
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/support/global.ts'],
    setupFiles: ['tests/support/no-network.ts'],
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
})
