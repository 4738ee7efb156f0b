import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packageRoot } from '#base/package.ts'
import { readMigrations } from '#db/migrations.ts'

/** This program as it was built, with more tenant migrations, as a later release would be. Answers what Node runs it with. */
export async function nextRelease(home: string, texts: readonly string[]): Promise<readonly string[]> {
  await mkdir(home, { recursive: true })
  for (const part of ['dist', 'sql', 'package.json'])
    await cp(join(packageRoot, part), join(home, part), { recursive: true })
  await symlink(join(packageRoot, 'node_modules'), join(home, 'node_modules'))
  const required = (await readMigrations('tenant')).length
  for (const [index, text] of texts.entries())
    await writeFile(join(home, `sql/tenant/${String(required + 1 + index).padStart(4, '0')}_next.sql`), `${text};\n`)
  return ['--enable-source-maps', join(home, 'dist/src/main.js')]
}

/** The most memory a process had so far, in MB (Linux); null: it is gone. */
export async function peakOf(pid: number): Promise<number | null> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]
  return kilobytes === undefined ? null : Math.round(Number(kilobytes) / 1024)
}
