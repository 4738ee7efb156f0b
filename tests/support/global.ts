import 'vitest'
import type { TestProject } from 'vitest/node'
import { startPostgres } from './postgres.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    pg: { host: string; port: number; user: string; bin: string }
  }
}

/** One real Postgres for the whole run; each test file takes a database of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cluster = await startPostgres()
  const { host, port, user, bin } = cluster
  project.provide('pg', { host, port, user, bin })
  return async () => {
    await cluster.stop()
  }
}
