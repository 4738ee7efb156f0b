import type { CitusState } from '#db/citus-state.ts'
import { failed, ok, warning, type Finding } from './finding.ts'

/** What keeps a Citus cluster from serving or moving tenants (docs/operations/citus.md). */
export function examineCitus({ version, nodes, keyless, undistributed }: CitusState): readonly Finding[] {
  if (version === null)
    return [failed('citus', 'the extension citus is not in this database: CREATE EXTENSION citus on every node')]
  const findings = nodes.flatMap(({ host, port, active, walLevel, missingRoles, openCommands }) => {
    const node = `${host}:${port}`
    if (!active) return [failed('citus', `${node} is not active`)]
    if (walLevel === null) return [failed('citus', `${node} cannot be reached directly: tool calls go straight to it`)]
    return [
      ...(walLevel === 'logical'
        ? []
        : [warning('citus', `${node} has wal_level=${walLevel}: moving a tenant needs logical`)]),
      ...((missingRoles ?? 0) > 0 ? [failed('citus', `${node} lacks the roles of ${missingRoles} tenants`)] : []),
      ...((openCommands ?? []).length > 0
        ? [warning('citus', `any tenant may call ${openCommands?.join(', ')} on ${node}: revoke it from PUBLIC there`)]
        : []),
    ]
  })
  if (keyless.length > 0)
    findings.push(
      failed('citus', `no primary key, so nothing beside it can be moved: ${keyless.slice(0, 5).join(', ')}`),
    )
  if (undistributed.length > 0)
    findings.push(
      warning(
        'citus',
        `${undistributed.length} tenants live on the coordinator: citus_schema_distribute moves ${undistributed[0]}`,
      ),
    )
  return findings.length > 0
    ? findings
    : [ok('citus', `version ${version}, ${nodes.length} nodes, every tenant on a worker`)]
}
