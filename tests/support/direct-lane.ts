/**
 * For every server that a test starts: TEST_DIRECT_LANE=off turns the direct lane off, so that the attack corpus, conformance and the storm can be run
 * without it too. What a test says itself goes first.
 */
export const DIRECT_LANE = { GATEHOUSE_DIRECT_LANE: process.env['TEST_DIRECT_LANE'] ?? 'on' }
