import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '#base/config.ts'
import { createFairQueue } from '#base/fair-queue.ts'
import { Refusal } from '#base/refusal.ts'
import type { Principal } from '#tenancy/tenant.ts'
import { beside } from './beside.ts'
import { sheds, type PressureWatch } from './pressure.ts'

/** How many calls may be under way at once in this process: in all, of a tenant, of a person or key. */
export interface Admission {
  /**
   * For onRequest, once it is known who calls: returns when there is a place, which is given back when the answer is closed. Until then
   * the body is not read, so that what is held in memory of bodies is bounded with it.
   * Throws Refusal `too_many_calls` (429: over one's own share) and `overloaded` (503).
   */
  enter(request: FastifyRequest, reply: FastifyReply, principal: Principal): Promise<void> | undefined
  /**
   * Takes one of the tenant's streams for an answer without end, and gives its place among the calls back. false: it has all it may have.
   */
  stream(request: FastifyRequest, reply: FastifyReply, principal: Principal): boolean
  /** Places that are held or waited for at present. */
  wanted(): number
  /** Of these, those that wait. */
  waiting(): number
}

/** Bytes of a body that take one place more; what does not say its length takes three. */
const PIECE = 64 * 1024
const UNKNOWN_LENGTH = 3
/** Milliseconds a call waits for its place, and how many of a tenant may. */
const PATIENCE = 5_000
const MOST_WAITING = 256
/** Streams of all tenants. */
const MOST_STREAMS = 1024

export function createAdmission(
  { concurrency, sizes }: Pick<Config, 'concurrency' | 'sizes'>,
  pressure: Pick<PressureWatch, 'level' | 'most'>,
): Admission {
  const { total, perTenant, perPrincipal, streamsPerTenant } = concurrency
  const queue = createFairQueue({
    places: () => total,
    most: () => perTenant,
    contended: () => pressure.most(),
    patience: PATIENCE,
    maxWaiting: MOST_WAITING,
    charge: 'calls',
    refuse: (why) => tooMany(why === 'full' ? 'too many calls of this tenant wait' : 'no place came free in time'),
  })
  const persons = new Map<string, number>()
  const streams = new Map<string, number>()
  let streaming = 0
  /** What each call under way has to give back. */
  const places = beside<() => void>()
  /** Ends its count among the calls of its person. */
  const uncounted = beside<() => void>()

  return {
    enter(request, reply, principal) {
      // Who left while it was found out who they are gives nothing back: their `close` has been.
      if (reply.raw.destroyed) throw tooMany('the caller left before it had a place')
      const { identity, tenant } = principal
      const person = `${tenant.id} ${identity.key?.id ?? `${identity.iss} ${identity.sub}`}`
      const own = persons.get(person) ?? 0
      if (own >= perPrincipal) throw tooMany('too many calls of this person or key are under way')
      if (sheds(pressure.level())) {
        const { held, waiting } = queue.count(tenant.id)
        // Who has nothing under way is not who drowns us.
        if (held + waiting > 0)
          throw new Refusal('overloaded', { retryAfter: 2, detail: 'of a tenant with more calls' })
      }
      persons.set(person, own + 1)
      let counts = true
      const uncount = (): void => {
        if (counts) count(persons, person, -1)
        counts = false
      }
      uncounted.set(request, uncount)
      let giveUp = (): void => {}
      reply.raw.once('close', () => {
        uncount()
        giveUp()
        places.get(request)?.()
      })
      const place = queue.enter(tenant.id, {
        weight: weightOf(request, sizes.bodyBytes),
        most: tenant.limits.concurrent_calls ?? undefined,
        onWait: (leave) => {
          giveUp = () => leave(tooMany('the caller left while it waited'))
        },
      })
      if (typeof place === 'function') {
        places.set(request, place)
        return undefined
      }
      return place.then((leave) => {
        places.set(request, leave)
        // Closed in the same moment: nobody would give it back.
        if (reply.raw.destroyed) leave()
      })
    },
    stream(request, reply, { tenant }) {
      if (streaming >= MOST_STREAMS || (streams.get(tenant.id) ?? 0) >= streamsPerTenant) return false
      if (reply.raw.destroyed) return true
      streaming += 1
      count(streams, tenant.id, 1)
      reply.raw.once('close', () => {
        streaming -= 1
        count(streams, tenant.id, -1)
      })
      places.get(request)?.()
      uncounted.get(request)?.()
      return true
    },
    waiting: () => queue.count().waiting,
    wanted() {
      const { held, waiting } = queue.count()
      return held + waiting
    },
  }
}

const tooMany = (detail: string): Refusal => new Refusal('too_many_calls', { retryAfter: 1, detail })

function count(counts: Map<string, number>, key: string, change: number): void {
  const now = (counts.get(key) ?? 0) + change
  if (now > 0) counts.set(key, now)
  else counts.delete(key)
}

/** @param most octets: a longer body is refused unread and holds nothing. Who says so must not wait, and others behind it, for all places. */
function weightOf({ headers }: FastifyRequest, most: number): number {
  if (headers['transfer-encoding'] !== undefined) return 1 + UNKNOWN_LENGTH
  const length = Number(headers['content-length'] ?? 0)
  return length > PIECE && length <= most ? 1 + Math.floor(length / PIECE) : 1
}
