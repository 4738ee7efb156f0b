import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve, sep } from 'node:path'
import { promisify } from 'node:util'
import { packageRoot } from '#base/package.ts'

const run = promisify(execFile)

export interface InstalledFolder {
  readonly path: string
  /** Runs a script of the shell there, with npm as the person at this machine has it, and nothing else of theirs. */
  shell(script: string, env?: Readonly<Record<string, string>>): Promise<string>
  /** Everything in node_modules that leads out of the folder: a real install has none. */
  strangers(): Promise<readonly string[]>
  remove(): Promise<void>
}

/** How npm reaches its registry and what it has already: the rest of the environment, npm's own of `npm test` above all, stays out. */
const NETWORK =
  /^(?:npm_config_(?:registry|cache|userconfig|proxy|https_proxy|noproxy|cafile)|https?_proxy|no_proxy|node_extra_ca_certs)$/i
const network = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      NETWORK.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  )

/**
 * An empty folder in which `install`, the commands of the page, was run: what they name `gatehouse` is the tarball that `npm pack` makes of this
 * package, and all that it needs comes from npm's registry. So what is missing in package.json, or in the package, is missing here too. The
 * children that do it are not held to loopback as the test process is. Throws with npm's own words when the registry cannot be reached.
 */
export async function installedFolder(install: string): Promise<InstalledFolder> {
  const packed = await mkdtemp(join(tmpdir(), 'gatehouse-tarball-'))
  const path = await mkdtemp(join(tmpdir(), 'gatehouse-installed-'))
  const env = {
    PATH: process.env['PATH'] ?? '',
    // Where npm has its settings and its cache, whose packages it takes as it would for the person.
    HOME: process.env['HOME'] ?? path,
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    // By itself npm asks a registry that is not there for minutes.
    npm_config_fetch_retries: '1',
    npm_config_fetch_retry_mintimeout: '1000',
    npm_config_fetch_retry_maxtimeout: '3000',
    npm_config_fetch_timeout: '60000',
    ...network(),
  }
  const shell: InstalledFolder['shell'] = async (script, own = env) => {
    const { stdout } = await run('bash', ['-e', '-c', script], { cwd: path, env: own, maxBuffer: 64 * 1024 * 1024 })
    return stdout
  }
  const remove = async (): Promise<void> => await rm(path, { recursive: true, force: true, maxRetries: 3 })
  try {
    // The cheapest question to the registry first, so that a registry that is away costs seconds.
    await shell('npm view zod version')
    const { stdout } = await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', packed], {
      cwd: packageRoot,
    })
    const tarball = join(packed, stdout.trim())
    await shell(install.replace(/^npm install gatehouse$/m, `npm install ${tarball}`))
  } catch (error) {
    await remove()
    const words =
      typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : String(error)
    throw new Error(`the package could not be installed (npm's registry is needed here):\n${words}`, { cause: error })
  } finally {
    await rm(packed, { recursive: true, force: true })
  }
  return {
    path,
    shell,
    async strangers() {
      const entries = await readdir(join(path, 'node_modules'), { recursive: true, withFileTypes: true })
      const links = entries.filter((entry) => entry.isSymbolicLink())
      const ends = links.map(async ({ parentPath, name }) =>
        resolve(parentPath, await readlink(join(parentPath, name))),
      )
      return (await Promise.all(ends)).filter((end) => !end.startsWith(`${path}${sep}`))
    },
    remove,
  }
}
