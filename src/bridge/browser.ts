import { spawn } from 'node:child_process'
import { isSafe } from './target.ts'

/** How each system opens an address: a program and its arguments, never a line for a shell (CVE-2025-6514). */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/** Is there a screen that the person sees? Not over SSH, not in a container without a display. */
export function hasScreen(env: Readonly<Record<string, string | undefined>>, platform = process.platform): boolean {
  if (env['SSH_CONNECTION'] !== undefined || env['SSH_TTY'] !== undefined || env['CI'] !== undefined) return false
  return platform === 'darwin' || platform === 'win32' || Boolean(env['DISPLAY'] ?? env['WAYLAND_DISPLAY'])
}

/**
 * Asks the system to show a page. Only https, or http to this machine; the address is one argument, as the URL parser writes it.
 * Tells nothing when it fails: the address stands on the terminal anyway.
 */
export function openBrowser(url: URL, start: typeof spawn = spawn, platform = process.platform): boolean {
  if (!isSafe(url)) return false
  const [program = 'xdg-open', ...args] = OPENERS[platform] ?? ['xdg-open']
  const child = start(program, [...args, url.href], { stdio: 'ignore', detached: true, shell: false })
  child.once('error', () => undefined)
  child.unref()
  return true
}
