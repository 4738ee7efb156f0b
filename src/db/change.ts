import type { Change } from './database.ts'

/** The channel of Postgres on which every replica hears of changes. */
export const CHANNEL = 'gatehouse'

/** The channel of news for those who listen over MCP. Anybody who may connect can write to it and read it: what is said on it must be sealed. */
export const NEWS_CHANNEL = 'gatehouse_news'

const TABLES: ReadonlySet<string> = new Set<Change['table']>([
  'tenants',
  'domains',
  'members',
  'organizations',
  'api_keys',
  'upstreams',
  'invitations',
  'revocations',
  'plans',
])

/** Reads a notification. Anyone who may connect can send one, so what is no change of ours is null and nothing else is believed. */
export function parseChange(payload: string | undefined): Change | null {
  if (payload === undefined || payload.length > 1_000) return null
  let value: unknown
  try {
    value = JSON.parse(payload)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  if (!('table' in value) || !('tenant' in value) || !('id' in value)) return null
  const { table, tenant, id } = value
  if (!isTable(table) || !isNullableString(tenant) || !isNullableString(id)) return null
  return { table, tenant, id }
}

const isTable = (value: unknown): value is Change['table'] => typeof value === 'string' && TABLES.has(value)
const isNullableString = (value: unknown): value is string | null => value === null || typeof value === 'string'

export const formatChange = ({ table, tenant, id }: Change): string => JSON.stringify({ table, tenant, id })
