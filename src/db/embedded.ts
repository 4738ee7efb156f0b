import type { Log } from '#base/log.ts'
export async function openEmbedded(_dataDir: string, _log: Log): Promise<{ url: string; close(): Promise<void> }> {
  throw new Error('not yet')
}
