import { installLinks, snippetsOf, type ClientId, type InstallLink, type Snippet } from './client-snippets.ts'

/** What is known of an MCP client, as of autumn 2026, from its vendor's documents and issue threads (notes in docs/clients/). */
export interface Client {
  readonly id: ClientId
  readonly name: string
  /** Where its requests come from: the person's own machine, or the vendor's network, which reaches public https addresses only. */
  readonly calls: 'machine' | 'cloud'
  /** Where it is called back after sign-in; PORT is a number that differs. What an operator registers at a provider. */
  readonly redirect_uris: readonly string[]
  /** Its client id metadata document, which is also its client_id; null when none is published. */
  readonly client_metadata: string | null
  /** Does it use dynamic registration (RFC 7591) where the issuer offers it? */
  readonly registers: boolean
  /** What of a client of the operator's own can be typed into it. */
  readonly own_client: 'none' | 'id' | 'id and secret'
  /** Can it send an API key (a fixed Authorization header)? */
  readonly header: boolean
  /** Its page in the documentation. */
  readonly page: string
  /** What to paste where. `url`: the MCP endpoint. The first is the plain way, which is sign-in where it can. */
  readonly snippets: (url: string) => readonly Snippet[]
  /** One click instead of a file, where the client has it. */
  readonly install: (url: string) => InstallLink | null
}

const client = (id: ClientId, facts: Omit<Client, 'id' | 'page' | 'snippets' | 'install'>): Client => ({
  id,
  ...facts,
  page: `docs/clients/${id}.md`,
  snippets: (url) => snippetsOf(id, url),
  install: (url) => installLinks[id]?.(url) ?? null,
})

/** Every client the Connect page, the documentation and `doctor` speak of, in the order they are shown. */
export const clients: readonly Client[] = [
  client('claude', {
    name: 'Claude',
    calls: 'cloud',
    redirect_uris: ['https://claude.ai/api/mcp/auth_callback', 'https://claude.com/api/mcp/auth_callback'],
    client_metadata: 'https://claude.ai/oauth/mcp-oauth-client-metadata',
    registers: true,
    own_client: 'id and secret',
    header: false,
  }),
  client('claude-code', {
    name: 'Claude Code',
    calls: 'machine',
    redirect_uris: ['http://localhost:PORT/callback', 'http://127.0.0.1:PORT/callback'],
    client_metadata: 'https://claude.ai/oauth/claude-code-client-metadata',
    registers: true,
    own_client: 'id and secret',
    header: true,
  }),
  client('cursor', {
    name: 'Cursor',
    calls: 'machine',
    redirect_uris: [
      'http://localhost:8787/callback',
      'https://www.cursor.com/agents/mcp/oauth/callback',
      'cursor://anysphere.cursor-mcp/oauth/callback',
    ],
    client_metadata: null,
    registers: true,
    own_client: 'id and secret',
    header: true,
  }),
  client('vscode', {
    name: 'VS Code',
    calls: 'machine',
    redirect_uris: ['http://127.0.0.1:33418/', 'https://vscode.dev/redirect'],
    client_metadata: 'https://vscode.dev/oauth/client-metadata.json',
    registers: true,
    own_client: 'id and secret',
    header: true,
  }),
  client('chatgpt', {
    name: 'ChatGPT',
    calls: 'cloud',
    redirect_uris: ['https://chatgpt.com/connector_platform_oauth_redirect', 'https://chatgpt.com/connector/oauth/ID'],
    client_metadata: 'https://chatgpt.com/oauth/client.json',
    registers: true,
    own_client: 'none',
    header: false,
  }),
  client('codex', {
    name: 'Codex',
    calls: 'machine',
    redirect_uris: ['http://127.0.0.1:PORT/callback'],
    client_metadata: 'https://chatgpt.com/oauth/codex/client.json',
    registers: true,
    own_client: 'id',
    header: true,
  }),
  client('gemini-cli', {
    name: 'Gemini CLI',
    calls: 'machine',
    redirect_uris: ['http://localhost:7777/oauth/callback'],
    client_metadata: null,
    registers: true,
    own_client: 'id and secret',
    header: true,
  }),
  client('other', {
    name: 'Other clients',
    calls: 'machine',
    redirect_uris: ['http://127.0.0.1:PORT/callback'],
    client_metadata: null,
    registers: true,
    own_client: 'id and secret',
    header: false,
  }),
  client('script', {
    name: 'Scripts',
    calls: 'machine',
    redirect_uris: [],
    client_metadata: null,
    registers: false,
    own_client: 'none',
    header: true,
  }),
]
