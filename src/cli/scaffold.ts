/** The files that `new tool` writes. Each must run as it stands: the tutorial goes on from here. */

export interface Scaffold {
  /** kebab-case, as the file is called. */
  readonly name: string
  /** `.ts` or `.js`. */
  readonly ending: '.ts' | '.js'
  /** Of the migration; null: the tool has no table. */
  readonly number: number | null
}

/** Paths relative to the folder of tools, and what is in them. */
export function scaffold({ name, ending, number }: Scaffold): ReadonlyMap<string, string> {
  const tool = name.replaceAll('-', '_')
  const title = `${name[0]?.toUpperCase() ?? ''}${name.slice(1).replaceAll('-', ' ')}`
  const table = `x_${tool}`
  return new Map([
    [`${name}${ending}`, number === null ? plain(title) : withTable(title, table, ending)],
    [`tests/${name}.test${ending}`, number === null ? plainTest(tool) : tableTest(tool, table)],
    ...(number === null ? [] : [[`sql/${String(number).padStart(4, '0')}_${tool}.sql`, migration(table)] as const]),
  ])
}

const plain = (title: string): string => `import { defineTool, z } from 'gatehouse'

export default defineTool({
  title: '${title}',
  description: 'Says what it was told. Write here what comes back, and when to use it: a model reads it.',
  // Everybody whose role gives it: viewers have what ends in :read, members what ends in :write too.
  scopes: ['notes:read'],
  access: 'none',
  input: z.object({ text: z.string().min(1).max(200).describe('What to say') }),
  output: z.object({ said: z.string() }),
  async run({ text }, { principal }) {
    return { text: \`\${principal.tenant.name}: \${text}\`, structured: { said: text } }
  },
})
`

const withTable = (
  title: string,
  table: string,
  ending: string,
): string => `import { defineTool, sql, uuidv7, z } from 'gatehouse'

export default defineTool({
  title: '${title}',
  description: 'Keeps a text for this organisation. Write here what comes back, and when to use it: a model reads it.',
  // Everybody whose role gives it: viewers have what ends in :read, members what ends in :write too.
  scopes: ['notes:write'],
  // 'write': one transaction, with the audit row in it.
  access: 'write',
  input: z.object({ text: z.string().min(1).max(200).describe('What to keep') }),
  output: z.object({ id: z.uuid(), count: z.number().int() }),
  async run({ text }, { db, now }) {
    const id = uuidv7(now())
    await db.query(sql\`INSERT INTO ${table} (id, text, created_at) VALUES (\${id}, \${text}, \${new Date(now())})\`)
    const [row] = await db.query${ending === '.ts' ? '<{ count: number }>' : ''}(sql\`SELECT count(*)::int AS count FROM ${table}\`)
    const count = row?.count ?? 0
    return { text: \`Kept. There are \${count} now.\`, structured: { id, count } }
  },
})
`

const opening = `import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openKit } from 'gatehouse/testing'

const kit = await openKit({ toolsDir: new URL('..', import.meta.url) })
after(async () => await kit.close())
`

const plainTest = (tool: string): string => `${opening}
test('${tool} says what it was told', async () => {
  const acme = await kit.tenant('acme')
  const answer = await acme.person('viewer').call('${tool}', { text: 'hello' })
  assert.deepEqual(answer.structured, { said: 'hello' })
})

test('${tool} refuses an empty text', async () => {
  const globex = await kit.tenant('globex')
  await assert.rejects(globex.person('viewer').call('${tool}', { text: '' }), /text/)
})
`

const tableTest = (tool: string, table: string): string => `import { sql } from 'gatehouse'
${opening}
test('${tool} keeps a text, each organisation its own', async () => {
  const [acme, globex] = [await kit.tenant('acme'), await kit.tenant('globex')]
  const answer = await acme.person('member').call('${tool}', { text: 'hello' })
  assert.equal(answer.structured?.count, 1)
  assert.deepEqual(await acme.query(sql\`SELECT text FROM ${table}\`), [{ text: 'hello' }])
  assert.deepEqual(await globex.query(sql\`SELECT text FROM ${table}\`), [])
})

test('${tool} is not there for somebody who may only read', async () => {
  const umbrella = await kit.tenant('umbrella')
  assert.equal(umbrella.person('viewer').tools().includes('${tool}'), false)
})
`

const migration = (
  table: string,
): string => `-- Applied once in the schema of every organisation, also of those that come later. Never change it after that: write another one.
-- What it makes begins with x_ (Gatehouse makes nothing that does), and every table has a primary key.
CREATE TABLE ${table} (
  id uuid PRIMARY KEY,
  text text NOT NULL,
  created_at timestamptz NOT NULL
);
`
