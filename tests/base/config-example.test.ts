import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { expect, test } from 'vitest'
import { ConfigError } from '#base/config.ts'
import { loadConfig } from '#base/config-load.ts'
import { packageRoot } from '#base/package.ts'
import { isSetting, SETTINGS, settings } from '#base/settings.ts'

const file = join(packageRoot, '.env.example')
const PLATFORMS = 'Platforms (set by them)'

const INTRODUCTION = `# Everything Gatehouse reads from its environment. Nothing here is needed for development: npm start runs without.
#
# Copy it to .env and take away the # before what you set. .env is read in development only, and the environment wins over it.
# A line with "secret" can be given as a file instead: NAME_FILE=/run/secrets/name. Lists are separated by commas.
# Written from the table in src/base/settings*.ts by: npx vitest run tests/base/config-example.test.ts -u
`

function example(): string {
  const groups = [...new Set(settings.map(({ group }) => group))].filter((group) => group !== PLATFORMS)
  const sections = groups.map((group) => {
    const rows = settings.filter((setting) => setting.group === group)
    const lines = rows.map(({ name, about, default: otherwise, example: value, secret, named }) => {
      const facts = [
        ...(otherwise === '' ? [] : [`Default: ${otherwise}.`]),
        ...(secret === true ? ['Secret.'] : []),
        ...(named === undefined ? [] : [`Also ${named}.`]),
      ]
      return `\n# ${about}${facts.length === 0 ? '' : `\n# ${facts.join(' ')}`}\n#${name}=${/\s/.test(value) ? `"${value}"` : value}`
    })
    return `\n# ---- ${group} ----\n${lines.join('\n')}\n`
  })
  return INTRODUCTION + sections.join('')
}

test('.env.example shows every variable of the table, with what it is and what holds without it', async () => {
  await expect(example()).toMatchFileSnapshot(file)
})

test('.env.example, its comment marks taken away, names exactly what people may set', () => {
  const names = Object.keys(parseEnv(readFileSync(file, 'utf8').replaceAll(/^#(?=[A-Z])/gm, '')))
  const expected = settings.filter(({ group }) => group !== PLATFORMS).map(({ name }) => name)
  expect(names.toSorted()).toEqual(expected.toSorted())
  expect(names.every(isSetting)).toBe(true)
})

test('as it stands it changes nothing', () => {
  expect(parseEnv(readFileSync(file, 'utf8'))).toEqual({})
})

test('every variable of the table is read, and nothing else is', () => {
  const asked = new Set<string>()
  const values: Record<string, string> = {
    OIDC_ACME_ISSUER: 'https://acme.example',
    DATABASE_URL_EU: 'postgresql://eu/x',
  }
  for (const { name, example: value } of settings) values[name] = value
  // The examples contradict each other here and there: what matters is what was asked for.
  delete values['DATABASE_URL_FILE']
  const env = new Proxy(values, {
    get: (target, name) => {
      asked.add(String(name))
      return Reflect.get(target, name) as unknown
    },
  })
  try {
    loadConfig(env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
  }
  const plain = [...asked].filter((name) => name in SETTINGS || !isSetting(name))
  // RENDER is only looked for.
  expect(new Set([...plain, 'RENDER'])).toEqual(new Set(Object.keys(SETTINGS)))
})
