import type { Command } from 'commander'
import type { Exit, Terminal } from './terminal.ts'

/** What a command is given: where it reads and writes, and what becomes of its exit code. */
export interface CommandContext {
  readonly terminal: Terminal
  /** The exit code when the command ends well but not with 0 (`migrate` that left some behind). */
  readonly end: (exit: Exit) => void
}

/** Gives the command its arguments, options, action or sub-commands. */
export type Define = (command: Command, context: CommandContext) => void

interface Entry {
  readonly about: string
  readonly load: () => Promise<{ readonly define: Define }>
}

/** Every command. Loaded only when called, so that `dev-token` does not wait for what `serve` needs. */
export const COMMANDS: Readonly<Record<string, Entry>> = {
  serve: { about: 'start the server', load: async () => await import('./serve.ts') },
  migrate: {
    about: 'bring the registry and all tenants to the version of this program',
    load: async () => await import('./migrate.ts'),
  },
  doctor: {
    about: 'check configuration, database, providers, keys, clock and clients; with --url a deployment from outside',
    load: async () => await import('./doctor.ts'),
  },
  token: {
    about: 'explain why a token is accepted or refused, and revoke one',
    load: async () => await import('./token.ts'),
  },
  'dev-token': { about: 'print a token of the development sign-in', load: async () => await import('./dev-token.ts') },
  tenant: {
    about: 'create, list, suspend and delete tenants, back them up, move them to another server',
    load: async () => await import('./tenant.ts'),
  },
  plan: { about: 'what tenants may do at most, under a name', load: async () => await import('./plan.ts') },
  domain: { about: 'email domains whose people belong to a tenant', load: async () => await import('./domain.ts') },
  org: {
    about: "providers' organisations (org_id, tid) that belong to a tenant",
    load: async () => await import('./org.ts'),
  },
  member: { about: 'people of a tenant and their roles', load: async () => await import('./member.ts') },
  person: { about: 'people who are refused everywhere', load: async () => await import('./person.ts') },
  key: { about: 'API keys of a tenant', load: async () => await import('./key.ts') },
  upstream: {
    about: 'credentials of a tenant at the APIs that tools call',
    load: async () => await import('./upstream.ts'),
  },
  new: {
    about: 'begin a tool of your own: its file, its test and its migration',
    load: async () => await import('./new.ts'),
  },
  test: { about: 'run the tests of your own tools', load: async () => await import('./test.ts') },
  documents: {
    about: 'files into documents of a tenant, and documents into files',
    load: async () => await import('./documents.ts'),
  },
  reindex: {
    about: 'make the documents of a tenant findable by meaning, now',
    load: async () => await import('./reindex.ts'),
  },
  audit: { about: 'read, follow, export and verify the audit', load: async () => await import('./audit.ts') },
  connect: {
    about: 'be an MCP server on stdin and stdout in front of one over HTTP',
    load: async () => await import('./connect.ts'),
  },
  login: { about: 'sign in at an MCP server, for every local program', load: async () => await import('./login.ts') },
  headers: {
    about: 'print the headers for an MCP server as JSON',
    load: async () => await import('./headers.ts'),
  },
  'access-token': {
    about: 'print the access token for an MCP server',
    load: async () => await import('./access-token.ts'),
  },
  logout: { about: 'forget the login at an MCP server', load: async () => await import('./logout.ts') },
  status: { about: 'show the logins on this machine', load: async () => await import('./status.ts') },
  config: { about: 'show the configuration as it was understood', load: async () => await import('./config.ts') },
}
