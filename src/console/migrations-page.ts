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
      ${running(report)} ${report.failures.length > 0 && failures(report)} ${report.behind.length > 0 && behind(report)}
      ${report.versions.length > 0 && versions(report)}`
    },
  }
  return { pages: [page], forms: [] }
}

const summary = ({ control, tenant, behindInAll }: MigrationReport): Html =>
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
        ${behindInAll === 0 ? chip('good', 'all up to date') : chip('warn', `${behindInAll} behind`)}
      </dd>
    </dl>
  </div>`

/** Runs of `gatehouse migrate` at this moment. */
const running = ({ runs }: MigrationReport): readonly Html[] =>
  runs
    .filter((run) => run.running)
    .map(
      ({ runner, total, done, failed }) =>
        html`<p class="card">
          ${chip('warn', 'running')} ${runner}: ${done} of ${total} tenants done, ${failed} failed
        </p>`,
    )

const failures = ({ failures }: MigrationReport): Html =>
  html`<section class="card">
    <h2>Failed</h2>
    <p>Their last migration ended so. They stay as they were; the others went on.</p>
    <div class="scroll" tabindex="0" role="region" aria-label="Tenants whose migration failed">
      <table class="full">
        <thead>
          <tr>
            <th scope="col">Tenant</th>
            <th scope="col">Migration</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          ${failures.map(
            ({ slug, file, sqlstate, error, hint }) =>
              html`<tr>
                <th scope="row"><a href="${operatorPath(`/tenants/${slug}`)}">${slug}</a></th>
                <td class="mono">${file ?? ''} ${sqlstate ?? ''}</td>
                <td>${error} ${hint !== null && html`<span class="small">${hint}.</span>`}</td>
              </tr> `,
          )}
        </tbody>
      </table>
    </div>
  </section>`

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
            <th scope="col">Postgres server</th>
            <th scope="col" class="right">Tenants</th>
          </tr>
        </thead>
        <tbody>
          ${versions.map(
            ({ placement, version, tenants }) =>
              html`<tr>
                <th scope="row">
                  ${version} ${version === tenant.required && html`<span class="small">needed</span>`}
                </th>
                <td>${placement}</td>
                <td class="right">${tenants}</td>
              </tr> `,
          )}
        </tbody>
      </table>
    </div>
  </section>`
