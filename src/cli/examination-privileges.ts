import type { Privileges } from '#db/privileges.ts'
import { failed, ok, warning, type Finding } from './finding.ts'

/** What the database's users may do, against what they must and must not (D17). @param appRole as DATABASE_APP_ROLE says. */
export function examinePrivileges({ admin, app, everybody }: Privileges, appRole: boolean): readonly Finding[] {
  const lacks = [
    ...(admin.createRole
      ? []
      : [`CREATEROLE, without which no tenant can be made: ALTER ROLE ${admin.name} CREATEROLE`]),
    ...(admin.create
      ? []
      : [`CREATE on the database, without which no schema can be made: GRANT CREATE ON DATABASE ... TO ${admin.name}`]),
    ...(admin.cannotTake.length === 0
      ? []
      : [
          `${admin.cannotTake.join(', ')}, which another administrator made: GRANT ${admin.cannotTake.join(', ')} TO ${admin.name}`,
        ]),
  ]
  return [
    lacks.length > 0
      ? failed('admin', `${admin.name} lacks ${lacks.join('; and ')}`)
      : admin.superuser
        ? warning(
            'admin',
            `${admin.name} is a superuser, more than is needed: CREATEROLE, and CREATE on the database, would do`,
          )
        : ok('admin', `${admin.name} may make roles and schemas, and is no superuser`),
    ...login(app, appRole),
    ...everybody.map(({ right, revoke }) =>
      warning('public', `everybody has ${right}; its owner or a superuser can end that: ${revoke}`),
    ),
  ]
}

function login(app: Privileges['app'], appRole: boolean): readonly Finding[] {
  if (!appRole)
    return [
      warning('login role', 'off: calls log in as the user of DATABASE_URL, whose rights stand behind every tenant'),
    ]
  if (app === null) return [failed('login role', 'is not there yet: run `gatehouse migrate`')]
  if (app.strong.length > 0)
    return [
      failed('login role', `${app.name} has ${app.strong.join(', ')}: drop it, \`gatehouse migrate\` makes it anew`),
    ]
  if (app.rights.length > 0)
    return [
      failed(
        'login role',
        `${app.name} has rights of its own on ${app.rights.join(', ')}, which every tool call could use: REVOKE ALL ON them FROM ${app.name}`,
      ),
    ]
  return [ok('login role', `${app.name} has no rights of its own`)]
}
