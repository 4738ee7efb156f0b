/** One of several processes that ask for the token of a login at the same instant; its answer goes to whoever forked it. */
import { createCredentials } from '#bridge/credentials.ts'
import { createParts } from '#bridge/parts.ts'
// Loaded before the start, so that all are equally fast.
import '#bridge/refresh.ts'

const { store, clock } = createParts(undefined, () => undefined)
const url = new URL(process.argv[2] ?? '')
process.once('message', () => {
  createCredentials({ url, store, clock })
    .current()
    .then(
      (token) => process.send?.(token, () => process.exit(0)),
      (error: unknown) => process.send?.(String(error), () => process.exit(1)),
    )
})
process.send?.('ready')
