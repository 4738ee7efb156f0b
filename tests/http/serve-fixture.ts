/** A server in a process of its own, for serve.test.ts: its tool takes as long as it is told. */
import { setTimeout as sleep } from 'node:timers/promises'
import { serve } from '#http/serve.ts'
import { stubApp } from './stub-app.ts'

const say = (word: string): boolean => process.stdout.write(`${word}\n`)
const { app, config, log } = await stubApp({
  config: { shutdownTimeout: Number(process.argv[2]) },
  caller: {
    call: async (_principal, _name, args, { signal }) => {
      say('called')
      const { ms } = args as { ms: number }
      await sleep(ms, undefined, { signal }).catch(() => say('aborted'))
      return { content: [{ type: 'text', text: 'finished' }] }
    },
  },
})
const { address } = await serve({
  app,
  config,
  log,
  after: [async () => void say('flushed'), async () => void say('closed')],
})
say(address)
