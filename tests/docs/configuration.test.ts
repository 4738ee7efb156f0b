import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '#base/package.ts'
import { isSetting, settings } from '#base/settings.ts'
import { VARIABLES } from '#bridge/settings.ts'
import { pages, read } from './pages.ts'

const OPENING = '<!-- settings: written by `npx vitest run tests/docs -u` from the table in src/base/settings.ts -->'
const CLOSING = '<!-- /settings -->'

function tables(): string {
  const groups = [...new Set(settings.map(({ group }) => group))]
  return groups
    .map((group) => {
      const rows = settings
        .filter((setting) => setting.group === group)
        .map(({ name, named, about, secret, default: absent }) => {
          const names = [name, ...(named === undefined ? [] : [named])].map((each) => `\`${each}\``).join('<br>')
          // Else a | would end the cell.
          return `| ${names} | ${about.replaceAll('|', '\\|')}${secret === true ? ' *Secret.*' : ''} | ${absent === '' ? 'none' : absent} |`
        })
      return [`### ${group}`, '', '| variable | what it is | default |', '|---|---|---|', ...rows].join('\n')
    })
    .join('\n\n')
}

test('docs/configuration.md lists every variable as the program reads it', async () => {
  const page = read('docs/configuration.md')
  const [before = '', after = ''] = [page.split(OPENING)[0], page.split(CLOSING)[1]]
  expect(page).toContain(OPENING)
  await expect(`${before}${OPENING}\n\n${tables()}\n\n${CLOSING}${after}`).toMatchFileSnapshot(
    join(packageRoot, 'docs/configuration.md'),
  )
})

/** Of other programs, or said of a kind of variable. */
const NOT_OURS =
  /^(?:GATEHOUSE_KEY|XDG_CONFIG_HOME|HTTPS_PROXY|MCP_CLIENT_SECRET|CLIENT_ID|CLIENT_SECRET|TOKEN|ID|PORT|NAME|SLUG|KEY_ID|POSTGRES_PASSWORD|CREATEROLE|SESSION_SECRET_FILE|GOOGLE_CLIENTID)$/

test('every variable a page names is one the program reads', () => {
  const named = pages.flatMap((page) =>
    [...read(page).matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`/g)].map(([, name = '']) => ({ page, name })),
  )
  expect(named.length).toBeGreaterThan(100)
  const ofBridge: readonly string[] = VARIABLES
  expect(named.filter(({ name }) => !isSetting(name) && !ofBridge.includes(name) && !NOT_OURS.test(name))).toEqual([])
  const told = new Set(named.map(({ name }) => name))
  expect(ofBridge.filter((name) => !told.has(name))).toEqual([])
})
