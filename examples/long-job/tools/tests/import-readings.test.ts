import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { sql } from 'gatehouse'
import { openKit } from 'gatehouse/testing'

const kit = await openKit({ toolsDir: new URL('..', import.meta.url) })
const acme = await kit.tenant('acme')
after(async () => await kit.close())

const csv = Array.from({ length: 1000 }, (_, index) => `sensor-${index % 7},${index}`).join('\n')
const kept = async (): Promise<unknown> => (await acme.query(sql`SELECT count(*)::int AS count FROM x_readings`))[0]

test('a job that is cancelled half way leaves nothing', async () => {
  const caller = new AbortController()
  const answer = await acme
    .person()
    .call(
      'import_readings',
      { csv },
      { signal: caller.signal, onProgress: ({ done }) => done >= 500 && caller.abort() },
    )
  assert.equal(answer.isError, true)
  assert.equal(answer.progress.at(-1)?.done, 500)
  assert.deepEqual(await kept(), { count: 0 })
})

test('a bad line is told by its number, and nothing is imported', async () => {
  const answer = await acme.person().call('import_readings', { csv: 'a,1\nb,two' })
  assert.match(answer.text, /^Line 2 is not of the form/)
  assert.deepEqual(await kept(), { count: 0 })
})

test('a job tells how far it is, and keeps every line', async () => {
  const answer = await acme.person().call('import_readings', { csv })
  assert.deepEqual(answer.structured, { imported: 1000 })
  assert.deepEqual(
    answer.progress.map(({ done }) => done),
    [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000],
  )
  assert.equal(answer.progress[0]?.total, 1000)
  assert.deepEqual(await kept(), { count: 1000 })
})
