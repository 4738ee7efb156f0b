import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'
import { LRUCache } from 'lru-cache'
import type { Log } from '#base/log.ts'
import { saveDevState, type DevRecord, type DevState } from './dev-state.ts'

/** Found again after a restart, so that a client stays signed in; the rest lives minutes. */
const KEPT = new Set(['Client', 'RegistrationAccessToken', 'Grant', 'RefreshToken'])
/** Most records held; the least recently used go first. */
const MOST = 1000

/** Storage for oidc-provider: one bounded map, and the lasting part of it in DATA_DIR. */
export function createDevAdapter(folder: string, state: DevState, log: Log): AdapterFactory {
  const records = new LRUCache<string, DevRecord>({ max: MOST })
  for (const [id, record] of Object.entries(state.records)) records.set(id, record)

  /** One write at a time; changes that come meanwhile go into the next one. */
  let writing: Promise<void> | null = null
  let changed = false
  const flush = async (): Promise<void> => {
    while (changed) {
      changed = false
      const kept = [...records.entries()].filter(([id]) => KEPT.has(id.slice(0, id.indexOf(':')))).toReversed()
      await saveDevState(folder, { ...state, records: Object.fromEntries(kept) })
    }
  }
  const save = async (): Promise<void> => {
    changed = true
    writing ??= flush()
      .catch((error: unknown) => log.error({ err: error }, 'the development issuer could not save its registrations'))
      .finally(() => (writing = null))
    await writing
  }

  return (model): Adapter => {
    const key = (id: string): string => `${model}:${id}`
    const kept = KEPT.has(model)
    const find = (id: string): AdapterPayload | undefined => {
      const record = records.get(key(id))
      return record !== undefined && (record.until === null || record.until > Date.now()) ? record.payload : undefined
    }
    const findBy = (name: 'uid' | 'userCode', value: string): AdapterPayload | undefined => {
      for (const [id, { payload }] of records.entries())
        if (id.startsWith(`${model}:`) && payload[name] === value) return payload
      return undefined
    }
    return {
      upsert: async (id, payload, expiresIn) => {
        records.set(key(id), { payload, until: expiresIn === undefined ? null : Date.now() + expiresIn * 1000 })
        if (kept) await save()
      },
      find: async (id) => find(id),
      findByUid: async (uid) => findBy('uid', uid),
      findByUserCode: async (userCode) => findBy('userCode', userCode),
      consume: async (id) => {
        const payload = find(id)
        if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000)
        if (kept) await save()
      },
      destroy: async (id) => {
        records.delete(key(id))
        if (kept) await save()
      },
      revokeByGrantId: async (grantId) => {
        for (const [id, { payload }] of records.entries()) if (payload['grantId'] === grantId) records.delete(id)
        await save()
      },
    }
  }
}
