import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { packageRoot } from '#base/package.ts'

const run = promisify(execFile)

export interface PackedFolder {
  readonly path: string
  remove(): Promise<void>
}

/**
 * An empty folder after `npm install <tarball>`: the package is what `npm pack` makes of this one, and its dependencies are those that are
 * installed here, so that nothing is asked of the network.
 */
export async function packedFolder(): Promise<PackedFolder> {
  const path = await mkdtemp(join(tmpdir(), 'gatehouse-packed-'))
  const { stdout } = await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', path], {
    cwd: packageRoot,
  })
  await run('tar', ['-xzf', join(path, stdout.trim()), '-C', path])
  await rm(join(path, stdout.trim()))
  const modules = join(path, 'node_modules')
  await mkdir(join(modules, '.bin'), { recursive: true })
  const installed = await readdir(join(packageRoot, 'node_modules'))
  for (const name of installed.filter((name) => !name.startsWith('.'))) {
    if (name.startsWith('@')) {
      await mkdir(join(modules, name), { recursive: true })
      for (const inner of await readdir(join(packageRoot, 'node_modules', name)))
        await symlink(join(packageRoot, 'node_modules', name, inner), join(modules, name, inner))
    } else await symlink(join(packageRoot, 'node_modules', name), join(modules, name))
  }
  await rename(join(path, 'package'), join(modules, 'gatehouse'))
  await symlink('../gatehouse/dist/src/main.js', join(modules, '.bin', 'gatehouse'))
  return { path, remove: async () => await rm(path, { recursive: true, force: true }) }
}
