import type { Database } from '#db/database.ts'
import type { ExaminedTenant, TenantDrift } from '#db/drift.ts'
import { sql } from '#db/sql.ts'
import { failed, ok, type Finding } from './finding.ts'

/** Tenants of one look: as many schemas are read from the catalogue at once. */
const PAGE = 200
/** Tenants that are told in detail. */
const MOST = 20

/**
 * Tenants whose schema, role, rights, tables, indexes or migrations are not as this program's migrations make them; the first of them one
 * finding each, of the rest the number.
 * @param slugs only these; a slug that nobody has is a failure.
 * @param away placements whose tenants are left out.
 */
export async function examineDrift(
  database: Pick<Database, 'admin' | 'control'>,
  slugs: readonly string[] | null,
  away: ReadonlySet<string> = new Set(),
): Promise<readonly Finding[]> {
  const drifted: TenantDrift[] = []
  const found = new Set<string>()
  let examined = 0
  for (let after = ''; ;) {
    const page = await read(database, slugs, after)
    for (const { slug } of page) if (slugs !== null) found.add(slug)
    const reached = page.filter(({ placement }) => !away.has(placement))
    examined += reached.length
    if (reached.length > 0) drifted.push(...(await database.admin.drift(reached)))
    if (page.length < PAGE) break
    after = page.at(-1)?.slug ?? after
  }
  const missing = (slugs ?? []).filter((slug) => !found.has(slug))
  const told = drifted.slice(0, MOST).map((one) => failed(`tenant ${one.slug}`, differences(one)))
  return [
    ...missing.map((slug) => failed(`tenant ${slug}`, 'there is no such tenant')),
    ...told,
    ...(drifted.length > MOST
      ? [failed('tenants', `${drifted.length - MOST} more differ from the migrations; look at one with --tenant`)]
      : []),
    ...(drifted.length === 0 && missing.length === 0
      ? [
          ok(
            'tenants',
            `${examined} looked at: schema, role, rights, tables and indexes are as the migrations make them`,
          ),
        ]
      : []),
  ]
}

const differences = ({ lacks, has }: TenantDrift): string =>
  [
    ...(lacks.length === 0 ? [] : [`lacks: ${lacks.join('; ')}`]),
    ...(has.length === 0 ? [] : [`has, and should not: ${has.join('; ')}`]),
  ].join(' | ')

async function read(
  database: Pick<Database, 'control'>,
  slugs: readonly string[] | null,
  after: string,
): Promise<readonly ExaminedTenant[]> {
  const rows = await database.control(
    { as: 'operator', access: 'read' },
    async (db) =>
      await db.query<Omit<ExaminedTenant, 'schemaVersion'> & { version: number }>(sql`
      SELECT slug, schema, placement, schema_version AS version, status = 'active' AS "atWork" FROM tenants
      WHERE status <> 'deleted' AND slug > ${after} AND (${slugs}::text[] IS NULL OR slug = ANY (${slugs}))
      ORDER BY slug LIMIT ${PAGE}`),
  )
  return rows.map(({ version, ...row }) => ({ ...row, schemaVersion: version }))
}
