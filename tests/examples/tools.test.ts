import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { packageRoot } from '#base/package.ts'
import { read } from '../docs/pages.ts'

/** TypeScript in a process of its own, by the built program, as the page says. */
test.each(['crm-tables', 'long-job'])(
  'the tests of examples/%s pass',
  async (name) => {
    const command = `node dist/src/main.js test --dir examples/${name}/tools`
    expect(read(join('examples', name, 'README.md'))).toContain(
      command.replace('node dist/src/main.js', 'npm run -s gatehouse --'),
    )
    const { stdout } = await promisify(execFile)('bash', ['-c', command], { cwd: packageRoot })
    expect(stdout).toMatch(/pass [34][\s\S]*fail 0/)
  },
  180_000,
)
