/**
 * A process as it would be in a container of our image: the folders the Dockerfile copies under its WORKDIR, everything read-only but
 * /tmp, a user that is not root, no capabilities. Made of namespaces of the kernel (`unshare`, needs root), so no image is built.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { packageRoot } from '#base/package.ts'
import { image } from './platforms.ts'

/** The number of `node` in the official images, as kubernetes.yaml says too. */
const USER = 1000

export interface InContainer {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Folders that are seen at the same place inside (the socket of Postgres), or elsewhere. */
  readonly mounts: readonly { readonly from: string; readonly to: string }[]
}

/** null: it can be done here; else why not, for a test to print. */
export const whyNoContainer: string | null = (() => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it needs Linux and root'
  try {
    execFileSync('unshare', ['-m', 'sh', '-c', 'mount --make-rprivate / && mount -t tmpfs tmpfs /mnt'], {
      stdio: 'ignore',
    })
    execFileSync('setpriv', ['--version'], { stdio: 'ignore' })
    return null
  } catch {
    return 'the kernel grants no mount namespace'
  }
})()

/** $1: a folder for the new root; then pairs `from to`, `--`, and the command. Every step replaces the shell, so signals reach the program. */
const SCRIPT = `
set -e
root=$1; user=$2; folder=$3; shift 3
mount --make-rprivate /
mount -t tmpfs tmpfs "$root"
for one in usr lib lib64 bin sbin etc opt dev proc; do
  if [ -L "/$one" ]; then cp -P "/$one" "$root/$one"
  elif [ -d "/$one" ]; then mkdir "$root/$one"; mount --rbind "/$one" "$root/$one"
    case $one in dev|proc) ;; *) mount -o remount,ro,bind "$root/$one" ;; esac
  fi
done
mkdir -m 1777 "$root/tmp"; mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir -p "$root$2"; else mkdir -p "$(dirname "$root$2")"; touch "$root$2"; fi
  mount --bind "$1" "$root$2"; mount -o remount,ro,bind "$root$2"
  shift 2
done
shift
mount -o remount,ro "$root"
exec chroot "$root" setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --bounding-set=-all \\
  sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
`

/** Starts it; where no container can be made, as an ordinary process in the package folder (and as another user, if root). */
export function inContainer({ argv, env, mounts }: InContainer): ChildProcess {
  const path = { PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin` }
  const [program = '', ...rest] = argv
  const all = { ...path, ...env }
  const stdio = ['ignore', 'pipe', 'pipe'] as const
  if (whyNoContainer !== null) return spawn(program, rest, { cwd: packageRoot, env: all, stdio: [...stdio] })
  const copied = image.copied.map((name) => ({ from: join(packageRoot, name), to: `${image.folder}/${name}` }))
  const runtime = ['/usr', '/opt'].some((folder) => process.execPath.startsWith(`${folder}/`))
    ? []
    : [{ from: dirname(process.execPath), to: dirname(process.execPath) }]
  const pairs = [...copied, ...runtime, ...mounts].filter(({ from }) => existsSync(from))
  return spawn(
    'unshare',
    [
      '-m',
      'sh',
      '-c',
      SCRIPT,
      'container',
      '/mnt',
      String(USER),
      image.folder,
      ...pairs.flatMap(({ from, to }) => [from, to]),
      '--',
      ...argv,
    ],
    { env: all, stdio: [...stdio] },
  )
}
