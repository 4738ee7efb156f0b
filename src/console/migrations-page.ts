import { html, type Html } from '#base/html.ts'
import type { Database } from '#db/database.ts'
import { migrationReport, type MigrationReport } from '#tenancy/migration-report.ts'
import { operatorPath, type OperatorPage, type OperatorSection } from './operator-pages.ts'
import { chip, copyLine, head } from './parts.ts'

/** Which versions the registry and the tenants have, and what to run. */
export function migrationsSection(database: Database): OperatorSection {
  const page: OperatorPage = {
    path: '/migrations',
    title: 'Migrations',
    async show({ actor }) {
      const report = await migrationReport(database, actor)
      return html`${head('Migrations', 'What this program needs, and what the database has.')} ${summary(report)}
      ${report.behind.length > 0 && behind(report)} ${report.versions.length > 0 && versions(report)}`
    },
  }
  return { pages: [page], forms: [] }
}

const summary = ({ control, tenant, behind }: MigrationReport): Html =>
  html`<div class="cards">
    <dl class="card stat">
      <dt>Registry</dt>
      <dd>${control.version ?? 'none'} of ${control.required}</dd>
      <dd class="small">
        ${(control.version ?? 0) >= control.required ? chip('good', 'up to date') : chip('bad', 'behind')}
      </dd>
    </dl>
    <dl class="card stat">
      <dt>Tenants</dt>
      <dd>version ${tenant.required}</dd>
      <dd class="small">
        ${behind.length === 0 ? chip('good', 'all up to date') : chip('warn', `${behind.length === 100 ? '100 or more' : behind.length} behind`)}
      </dd>
    </dl>
  </div>`

const behind = ({ behind }: MigrationReport): Html =>
  html`<section class="card">
    <h2>Behind</h2>
    <p>
      Either their migration has not run yet, or it failed. Run this where the server's settings are: it brings up what
      is behind, and says of each that fails why. It may be run again at any time.
    </p>
    ${copyLine('migrate', 'Command', 'gatehouse migrate')}
    <div class="scroll" tabindex="0" role="region" aria-label="Tenants that are behind">
      <table class="full">
        <thead>
          <tr>
            <th scope="col">Tenant</th>
            <th scope="col">Schema</th>
            <th scope="col" class="right">Version</th>
            <th scope="col">Served</th>
          </tr>
        </thead>
        <tbody>
          ${behind.map(
            ({ slug, schema, version, served }) =>
              html`<tr>
                <th scope="row"><a href="${operatorPath(`/tenants/${slug}`)}">${slug}</a></th>
                <td class="mono">${schema}</td>
                <td class="right">${version}</td>
                <td>${served ? chip('good', 'yes') : chip('bad', 'no: 503')}</td>
              </tr> `,
          )}
        </tbody>
      </table>
    </div>
  </section>`

const versions = ({ versions, tenant }: MigrationReport): Html =>
  html`<section class="card">
    <h2>Tenants by version</h2>
    <div class="scroll">
      <table class="full">
        <thead>
          <tr>
            <th scope="col">Version of the schema</th>
            <th scope="col" class="right">Tenants</th>
          </tr>
        </thead>
        <tbody>
          ${versions.map(
            ({ version, tenants }) =>
              html`<tr>
                <th scope="row">
                  ${version} ${version === tenant.required && html`<span class="small">needed</span>`}
                </th>
                <td class="right">${tenants}</td>
              </tr> `,
          )}
        </tbody>
      </table>
    </div>
  </section>`
