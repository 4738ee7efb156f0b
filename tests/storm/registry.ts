import { PassThrough } from 'node:stream'
import { withRegistry, type Session } from '#cli/session.ts'

/** The registry as the command line uses it, kept open for the whole storm. */
export interface OpenRegistry {
  tenant(slug: string, domain: string): Promise<void>
  key(slug: string): Promise<{ readonly text: string; readonly id: string }>
  suspend(slug: string): Promise<void>
  resume(slug: string): Promise<void>
  revoke(slug: string, id: string): Promise<void>
  readonly close: () => Promise<void>
}

export async function openRegistry(env: Readonly<Record<string, string>>): Promise<OpenRegistry> {
  const terminal = { env, cwd: '/', stdin: new PassThrough(), stdout: process.stderr, stderr: process.stderr }
  let end = (): void => {}
  const ended = new Promise<void>((resolve) => (end = resolve))
  let whole: Promise<void> = Promise.resolve()
  const { registry, actor } = await new Promise<Session>((resolve, reject) => {
    whole = withRegistry(
      terminal,
      async (session) => {
        resolve(session)
        await ended
      },
      { tools: true },
    )
    whole.catch(reject)
  })
  const get = async (slug: string) => await registry.tenants.get(actor, slug)
  return {
    async tenant(slug, domain) {
      await registry.tenants.create(actor, { slug })
      await registry.domains.add(await get(slug), actor, { domain, asserted_by: ['oidc'] })
    },
    async key(slug) {
      const input = { name: 'storm', scopes: ['*'], cidrs: [], expires_at: null, role: 'member' as const }
      const { key, record } = await registry.keys.create(await get(slug), actor, input)
      return { text: key, id: record.id }
    },
    suspend: async (slug) => await registry.tenants.suspend(await get(slug), actor),
    resume: async (slug) => await registry.tenants.resume(await get(slug), actor),
    revoke: async (slug, id) => await registry.keys.revoke(await get(slug), actor, id),
    async close() {
      end()
      await whole
    },
  }
}
