import { randomCall, type Seen } from './calls.ts'
import { revokeSome, suspendSome, type Hot } from './cut-offs.ts'
import { judge, type Figures } from './verdict.ts'
import { makeWorld, type StormOptions, type World } from './world.ts'

/** Of all calls, how many turn to somebody who is being cut off at the moment. */
const TO_THE_HOT = 0.1

const oneOf = <T>(values: readonly T[]): T => values[Math.floor(Math.random() * values.length)] as T

/**
 * Many tenants, several server processes, one Postgres: mixed calls with tokens of all kinds while tenants are suspended and keys
 * revoked. Every answer is looked at; in the end what is stored is compared with what was acknowledged, and the audit with the calls.
 * @param onProgress is told how many calls are over, now and then.
 */
export async function storm(options: StormOptions, onProgress: (calls: number) => void = () => {}): Promise<Figures> {
  const world = await makeWorld(options)
  try {
    const seen: Seen[] = []
    const hot = new Set<Hot>()
    const counts = { suspensions: 0, revocations: 0 }
    const started = performance.now()
    const open = { calls: options.calls, cutOffs: true }
    const caller = async (): Promise<void> => {
      // The last cut-offs are called at to their end, some calls beyond the number asked for.
      while (open.calls > 0 || open.cutOffs) {
        open.calls -= 1
        seen.push(await randomCall(aim(world, hot)))
        if (seen.length % 1_000 === 0) onProgress(seen.length)
      }
    }
    const cutOffs = [suspendSome, revokeSome].map(
      async (some) => await some({ world, over: () => open.calls <= 0, hot, counts }),
    )
    await Promise.all([
      Promise.all(cutOffs).finally(() => (open.cutOffs = false)),
      ...Array.from({ length: options.callers }, caller),
    ])
    const seconds = (performance.now() - started) / 1000
    for (const replica of world.replicas) {
      const code = await replica.end('SIGTERM')
      if (code !== 0) throw new Error(`a server ended with ${code}\n${replica.output()}`)
    }
    return await judge({ world, seen, counts, seconds })
  } finally {
    await world.close()
  }
}

/** Who calls next, with what, and where. */
function aim({ tenants, replicas }: World, hot: ReadonlySet<Hot>) {
  const target = Math.random() < TO_THE_HOT ? oneOf([...hot]) : undefined
  const tenant = target?.tenant ?? oneOf(tenants)
  return {
    url: oneOf(replicas).mcp,
    tenant,
    token: target?.token ?? oneOf(tenant.tokens),
    other: otherThan(tenants, tenant),
  }
}

function otherThan<T>(all: readonly T[], one: T): T {
  for (;;) {
    const other = oneOf(all)
    if (other !== one || all.length === 1) return other
  }
}
