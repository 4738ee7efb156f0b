/** Known clients; `other` is everything that starts a program (the bridge), `script` a program of one's own. */
export type ClientId =
  | 'claude'
  | 'claude-code'
  | 'cursor'
  | 'vscode'
  | 'chatgpt'
  | 'codex'
  | 'gemini-cli'
  | 'other'
  | 'script'

/** `sign-in`: nothing but the address. `client-id`: an OAuth client that the operator made at the provider. `key`: an API key. */
export type Way = 'sign-in' | 'client-id' | 'key'

/** Something to paste, and where. Never holds a secret: secrets stand as names of variables. */
export interface Snippet {
  readonly way: Way
  /** For people: a file, a terminal, or a path through menus. */
  readonly where: string
  readonly language: 'sh' | 'json' | 'toml' | 'text'
  readonly text: string
}

export interface InstallLink {
  readonly label: string
  readonly href: string
}

/** The name this server gets in a client's configuration: `gatehouse`, for a tenant's own endpoint `gatehouse-acme`. */
function nameOf(url: string): string {
  const [, slug] = /\/t\/([a-z][a-z0-9_]{0,40})\/mcp$/.exec(url) ?? []
  return slug === undefined ? 'gatehouse' : `gatehouse-${slug}`
}

const pretty = (value: unknown): string => JSON.stringify(value, null, 2)
const KEY = 'GATEHOUSE_KEY'
const TERMINAL = 'In a terminal'

const sh = (way: Way, ...lines: string[]): Snippet => ({
  way,
  where: TERMINAL,
  language: 'sh',
  text: lines.join('\n'),
})
const json = (way: Way, where: string, value: unknown): Snippet => ({
  way,
  where,
  language: 'json',
  text: pretty(value),
})
const text = (way: Way, where: string, line: string): Snippet => ({ way, where, language: 'text', text: line })
const toml = (way: Way, where: string, ...lines: string[]): Snippet => ({
  way,
  where,
  language: 'toml',
  text: lines.join('\n'),
})

/** What to paste into this client for the endpoint `url`, exactly. */
export const snippetsOf = (id: ClientId, url: string): readonly Snippet[] => builders[id](url, nameOf(url))

const builders: Readonly<Record<ClientId, (url: string, name: string) => readonly Snippet[]>> = {
  claude: (url) => [
    text('sign-in', 'Settings, Connectors, Add custom connector', url),
    text('client-id', 'The same, with id and secret under Advanced settings', url),
  ],
  'claude-code': (url, name) => [
    sh('sign-in', `claude mcp add --transport http ${name} ${url}`, `claude mcp login ${name}`),
    sh(
      'client-id',
      `claude mcp add --transport http --client-id ID --client-secret --callback-port 8787 ${name} ${url}`,
      `claude mcp login ${name}`,
    ),
    sh('key', `claude mcp add --transport http ${name} ${url} --header "Authorization: Bearer $${KEY}"`),
    json('sign-in', '.mcp.json of a project', { mcpServers: { [name]: { type: 'http', url } } }),
  ],
  cursor: (url, name) => [
    json('sign-in', '~/.cursor/mcp.json', { mcpServers: { [name]: { url } } }),
    json('client-id', '~/.cursor/mcp.json', {
      mcpServers: {
        [name]: {
          url,
          auth: {
            CLIENT_ID: '${env:GATEHOUSE_CLIENT_ID}',
            CLIENT_SECRET: '${env:GATEHOUSE_CLIENT_SECRET}',
            scopes: ['openid', 'email', 'profile'],
          },
        },
      },
    }),
    json('key', '~/.cursor/mcp.json', {
      mcpServers: { [name]: { url, headers: { Authorization: `Bearer \${env:${KEY}}` } } },
    }),
  ],
  vscode: (url, name) => [
    json('sign-in', '.vscode/mcp.json', { servers: { [name]: { type: 'http', url } } }),
    json('client-id', '.vscode/mcp.json', {
      servers: { [name]: { type: 'http', url, oauth: { clientId: 'CLIENT_ID' } } },
    }),
    json('key', '.vscode/mcp.json', {
      inputs: [{ type: 'promptString', id: `${name}-key`, description: 'Gatehouse API key', password: true }],
      servers: { [name]: { type: 'http', url, headers: { Authorization: `Bearer \${input:${name}-key}` } } },
    }),
  ],
  chatgpt: (url) => [text('sign-in', 'Settings, Apps and connectors, developer mode, Create', url)],
  codex: (url, name) => [
    sh('sign-in', `codex mcp add ${name} --url ${url}`, `codex mcp login ${name}`),
    toml(
      'client-id',
      '~/.codex/config.toml',
      `[mcp_servers.${name}]`,
      `url = "${url}"`,
      '',
      `[mcp_servers.${name}.oauth]`,
      'client_id = "CLIENT_ID"',
      'callback_port = 8788',
    ),
    toml('key', '~/.codex/config.toml', `[mcp_servers.${name}]`, `url = "${url}"`, `bearer_token_env_var = "${KEY}"`),
  ],
  'gemini-cli': (url, name) => [
    sh('sign-in', `gemini mcp add --transport http ${name} ${url}`),
    json('client-id', '~/.gemini/settings.json', {
      mcpServers: {
        [name]: {
          httpUrl: url,
          oauth: {
            enabled: true,
            clientId: 'CLIENT_ID',
            clientSecret: 'CLIENT_SECRET',
            scopes: ['openid', 'email', 'profile'],
            redirectUri: 'http://localhost:7777/oauth/callback',
          },
        },
      },
    }),
    json('key', '~/.gemini/settings.json', {
      mcpServers: { [name]: { httpUrl: url, headers: { Authorization: `Bearer ${KEY}` } } },
    }),
  ],
  other: (url, name) => {
    const connect = (way: Way): Snippet =>
      json(way, 'The configuration of a client that starts programs', {
        mcpServers: { [name]: { command: 'npx', args: ['-y', 'gatehouse', 'connect', url] } },
      })
    return [
      sh('sign-in', `npx gatehouse login ${url}`),
      connect('sign-in'),
      sh('client-id', `npx gatehouse login --client-id ID --client-secret-file FILE --port 8788 ${url}`),
      connect('client-id'),
    ]
  },
  script: (url) => [
    sh(
      'key',
      `curl -s ${url} \\`,
      `  -H "Authorization: Bearer $${KEY}" -H 'Content-Type: application/json' \\`,
      "  -H 'Accept: application/json, text/event-stream' -H 'MCP-Protocol-Version: 2025-11-25' \\",
      `  -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","arguments":{}}}'`,
    ),
  ],
}

/** Clients with a link that installs a server; the same values as in their files. */
export const installLinks: Readonly<Partial<Record<ClientId, (url: string) => InstallLink>>> = {
  cursor: (url) => {
    const config = Buffer.from(JSON.stringify({ url })).toString('base64')
    return {
      label: 'Add to Cursor',
      href: `cursor://anysphere.cursor-deeplink/mcp/install?name=${nameOf(url)}&config=${encodeURIComponent(config)}`,
    }
  },
  vscode: (url) => {
    const server = encodeURIComponent(JSON.stringify({ name: nameOf(url), type: 'http', url }))
    return {
      label: 'Add to VS Code',
      href: `https://vscode.dev/redirect?url=${encodeURIComponent(`vscode:mcp/install?${server}`)}`,
    }
  },
}
