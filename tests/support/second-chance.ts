import type { Reporter, TestCase } from 'vitest/node'

/**
 * Says by name which test needed a second chance (TEST_RETRY, which only CI sets: it runs some 20,000 tests on a machine that it shares, and one that
 * another's load upsets must not throw a whole submission away). Each is a fault to be mended.
 */
export default class SecondChance implements Reporter {
  onTestCaseResult(test: TestCase): void {
    const { retryCount = 0 } = test.diagnostic() ?? {}
    if (retryCount === 0) return
    console.log(`SECOND CHANCE, ${test.result().state}: ${test.module.relativeModuleId} > ${test.fullName}`)
    for (const { message } of test.result().errors ?? []) console.log(`  the first time: ${message}`)
  }
}
