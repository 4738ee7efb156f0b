import { join } from 'node:path'
import type { Config } from '#base/config.ts'
import { packageRoot } from '#base/package.ts'

/** What a development server says when it listens: where it is, and what to paste where. */
export function welcome(config: Config, cwd: string): string {
  const url = `${config.publicUrl}/mcp`
  const paste = [
    ['Claude Code', `claude mcp add --transport http gatehouse ${url}`],
    ['Cursor, ~/.cursor/mcp.json', JSON.stringify({ mcpServers: { gatehouse: { url } } })],
    ['VS Code, .vscode/mcp.json', JSON.stringify({ servers: { gatehouse: { type: 'http', url } } })],
  ] as const
  return [
    '',
    `Gatehouse is ready. The MCP endpoint is  ${url}`,
    '',
    ...paste.flatMap(([client, snippet]) => [`  ${client}`, `    ${snippet}`, '']),
    `  Any other client: open ${config.publicUrl} in a browser.`,
    '',
    ...(config.developmentSignIn
      ? [
          '  Sign in as alice@acme.test (owner), carol@acme.test (viewer) or bob@globex.test (owner).',
          '  Development sign-in: for this machine only, gone as soon as a real provider is configured.',
          '',
          '  Or in another terminal:',
          `    ${curl(url, `$(${devToken(config, cwd)})`)}`,
        ]
      : ['  With a token of your provider:', `    ${curl(url, '$TOKEN')}`]),
    '',
    '',
  ].join('\n')
}

/** One tool call, answered as JSON. */
function curl(url: string, token: string): string {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'whoami', arguments: {} },
  })
  const headers = ['content-type: application/json', 'accept: application/json, text/event-stream']
  return `curl -s ${url} -H "authorization: Bearer ${token}" ${headers.map((header) => `-H '${header}'`).join(' ')} -d '${body}'`
}

/** The command line of the token, with what differs from the defaults, since another terminal does not have it. */
function devToken({ port, dataDir }: Config, cwd: string): string {
  const env = [
    ...(port === 3000 ? [] : [`PORT=${port}`]),
    ...(dataDir === join(cwd, '.gatehouse') ? [] : [`DATA_DIR=${quoted(dataDir)}`]),
  ]
  const program = cwd === packageRoot ? 'npm run -s gatehouse --' : 'npx gatehouse'
  return [...env, program, 'dev-token alice@acme.test'].join(' ')
}

const quoted = (text: string): string => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)
