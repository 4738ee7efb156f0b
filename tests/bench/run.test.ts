import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import type { Results } from '../../bench/results.ts'

test(
  'npm run bench measures real servers, prints the table and writes the figures down',
  { timeout: 180_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bench-test-'))
    const file = join(folder, 'results.json')
    try {
      const program = fileURLToPath(new URL('../../bench/main.ts', import.meta.url))
      const node = ['--conditions=gatehouse-source', '--import', 'tsx', program]
      const small = ['--rounds', '1', '--seconds', '0.3', '--cases', 'http,read', '--no-peers', '--json', file]
      const { stdout } = await promisify(execFile)(process.execPath, [...node, ...small])
      const { rows } = JSON.parse(await readFile(file, 'utf8')) as Results
      expect(rows.filter(({ failed }) => failed !== undefined)).toEqual([])
      for (const id of ['fastify', 'fastify-lru', 'call', 'call-logged', 'call-legacy', 'read-by-hand', 'read']) {
        const row = rows.find((row) => row.id === id)
        expect(row?.rps, id).toBeGreaterThan(0)
        expect(stdout).toContain(row?.title)
      }
      expect(rows.find(({ id }) => id === 'call')).toMatchObject({ target: { is: 'at least', value: 0.65 } })
      expect(stdout).toContain('peers are not measured: left out')
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
)
