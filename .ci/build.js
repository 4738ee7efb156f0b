/**
 * Compiles to dist/, or does nothing when no input changed since the last build (so a second `npm start` is quick).
 * dist/ is always made anew: files of removed sources must not stay behind.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const stamp = join(root, 'dist', '.fingerprint')

const inputs = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json']
for (const room of ['src', 'providers']) {
  for (const entry of readdirSync(join(root, room), { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && entry.name.endsWith('.ts')) inputs.push(join(entry.parentPath, entry.name).slice(root.length))
  }
}
const hash = createHash('sha256')
for (const path of inputs.sort()) hash.update(`${path}\0`).update(readFileSync(join(root, path))).update('\0')
const fingerprint = hash.digest('hex')

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== fingerprint) {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
  // Made beside and put in place whole: a server that runs from dist/ meanwhile finds no half of it.
  const made = join(root, `dist-${process.pid}`)
  const old = `${made}-old`
  try {
    // Its messages go to stderr: stdout belongs to the command that asked for the build.
    execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', made], { stdio: ['ignore', 2, 2] })
    writeFileSync(join(made, '.fingerprint'), fingerprint)
    if (existsSync(join(root, 'dist'))) renameSync(join(root, 'dist'), old)
    renameSync(made, join(root, 'dist'))
  } catch (error) {
    if (error.status === undefined) console.error(error)
    process.exitCode = 1
  } finally {
    for (const folder of [made, old]) rmSync(folder, { recursive: true, force: true })
  }
}
