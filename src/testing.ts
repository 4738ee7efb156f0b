/** For tests of tools: `import { openKit } from 'gatehouse/testing'`. docs/tools/testing.md shows it. */
export { openKit } from '#library/kit.ts'
export type { Kit, KitOptions, TestTenant } from '#library/kit.ts'
export type { TestAnswer, TestCall, TestPerson } from '#library/kit-person.ts'
export type { FakeAnswer, FakeRequest, FakeUpstream } from '#library/fake-upstream.ts'
