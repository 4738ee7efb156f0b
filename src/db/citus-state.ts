import type pg from 'pg'
import { OPEN_COMMANDS } from './citus.ts'
import { urlAt, type Node } from './servers.ts'
import { createPool } from './pool.ts'

/** What doctor tells of a Citus cluster. */
export interface CitusState {
  /** Null: the extension is not there. */
  readonly version: string | null
  readonly nodes: readonly (Node & {
    readonly active: boolean
    /** Null: it could not be asked. */
    readonly walLevel: string | null
    /** Roles of tenants that this node lacks. */
    readonly missingRoles: number | null
    /** Functions that any tenant may call to run statements on other nodes. */
    readonly openCommands: readonly string[] | null
  })[]
  /** Tables of tenants without a primary key: neither they nor their neighbours can be moved. */
  readonly keyless: readonly string[]
  /** Tenants whose schema is not distributed: they live on the coordinator. */
  readonly undistributed: readonly string[]
}

/** Asks the coordinator, and each node directly as the admin. @param url the admin's, of the coordinator. */
export async function citusState(coordinator: pg.Pool, url: string): Promise<CitusState> {
  const { rows: extensions } = await coordinator.query<{ version: string }>(
    `SELECT extversion AS version FROM pg_catalog.pg_extension WHERE extname = 'citus'`,
  )
  const version = extensions[0]?.version ?? null
  if (version === null) return { version, nodes: [], keyless: [], undistributed: [] }
  const { rows: nodes } = await coordinator.query<Node & { active: boolean }>(
    `SELECT nodename::text AS host, nodeport::integer AS port, isactive AS active FROM pg_catalog.pg_dist_node
      WHERE noderole = 'primary' ORDER BY nodeid`,
  )
  const { rows: schemas } = await coordinator.query<{ name: string; distributed: boolean }>(
    `SELECT n.nspname::text AS name, s.schemaid IS NOT NULL AS distributed FROM pg_catalog.pg_namespace n
      LEFT JOIN pg_catalog.pg_dist_schema s ON s.schemaid = n.oid WHERE n.nspname LIKE 'tenant\\_%' ORDER BY 1`,
  )
  const { rows: keyless } = await coordinator.query<{ name: string }>(
    `SELECT n.nspname || '.' || c.relname AS name FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname LIKE 'tenant\\_%' AND c.relkind IN ('r', 'p')
        AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p')
      ORDER BY 1`,
  )
  const names = schemas.map(({ name }) => name)
  return {
    version,
    nodes: await Promise.all(nodes.map(async (node) => ({ ...node, ...(await nodeState(urlAt(url, node), names)) }))),
    keyless: keyless.map(({ name }) => name),
    undistributed: schemas.filter(({ distributed }) => !distributed).map(({ name }) => name),
  }
}

async function nodeState(
  url: string,
  roles: readonly string[],
): Promise<Pick<CitusState['nodes'][number], 'walLevel' | 'missingRoles' | 'openCommands'>> {
  const pool = createPool({ url }, { max: 1, maxLifetime: 0 })
  try {
    const { rows } = await pool.query<{ level: string; missing: number }>(
      `SELECT pg_catalog.current_setting('wal_level') AS level, (SELECT count(*)::integer FROM pg_catalog.unnest($1::text[]) AS wanted
        WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = wanted)) AS missing`,
      [roles],
    )
    const { rows: open } = await pool.query<{ name: string }>(OPEN_COMMANDS)
    return {
      walLevel: rows[0]?.level ?? null,
      missingRoles: rows[0]?.missing ?? null,
      openCommands: open.map(({ name }) => name),
    }
  } catch {
    return { walLevel: null, missingRoles: null, openCommands: null }
  } finally {
    await pool.end()
  }
}
