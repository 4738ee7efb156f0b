import type { Setting } from './settings.ts'

/** What the server itself reads; the groups and rows in the order in which people meet them. */
export const SERVER_SETTINGS = {
  NODE_ENV: {
    group: 'Server',
    about: '`production` makes it production; so do a public PUBLIC_URL or HOST, or a variable of a hosting platform.',
    default: '',
    example: 'production',
  },
  PUBLIC_URL: {
    group: 'Server',
    about: 'The origin people type: https, or http for this machine only. The MCP endpoint is this followed by /mcp.',
    default: 'what Railway, Fly or Render say; in development http://127.0.0.1:PORT',
    example: 'https://mcp.example.com',
  },
  HOST: {
    group: 'Server',
    about: 'The address to listen on.',
    default: '127.0.0.1; in production 0.0.0.0',
    example: '0.0.0.0',
  },
  PORT: { group: 'Server', about: 'The port to listen on.', default: '3000', example: '3000' },
  WORKERS: {
    group: 'Server',
    about:
      'Processes that serve on the one port, on one machine: 1 to 256, or `auto` for one per core. More than one needs DATABASE_URL and a provider.',
    default: '1',
    example: '4',
  },
  ALLOWED_HOSTS: {
    group: 'Server',
    about: 'More Host headers to answer to, for example of a platform probe. PUBLIC_URL is always one.',
    default: '',
    example: 'healthcheck.railway.app',
  },
  CORS_ORIGINS: {
    group: 'Server',
    about: 'Origins whose pages may call: `*`, `loopback`, or a list. Cookies never count.',
    default: '`*`; `loopback` when PUBLIC_URL is loopback',
    example: 'https://inspector.example.com',
  },
  TRUST_PROXY: {
    group: 'Server',
    about: 'Networks (CIDR) of the proxies in front, whose word on the client address counts.',
    default: 'none',
    example: '10.0.0.0/8',
  },
  CLIENT_IP_HEADER: {
    group: 'Server',
    about: 'The header in which those proxies name the client, instead of X-Forwarded-For. Needs TRUST_PROXY.',
    default: 'X-Forwarded-For',
    example: 'fly-client-ip',
  },
  DATA_DIR: {
    group: 'Server',
    about: 'Where the embedded database and development keys live.',
    default: '.gatehouse',
    example: '/var/lib/gatehouse',
  },
  SESSION_SECRET: {
    group: 'Server',
    about:
      'At least 32 characters; all other keys derive from it. A list: the first seals, all open. Make one: openssl rand -base64 48',
    default: 'outside production made once in DATA_DIR',
    example: '...',
    secret: true,
  },
  SIGNING_KEY: {
    group: 'Server',
    about:
      'Ed25519 private key, PEM or JWK, that signs the tokens of service accounts; several: the first signs, all verify. Make one: openssl genpkey -algorithm ed25519',
    default: 'derived from SESSION_SECRET',
    example: '...',
    secret: true,
  },
  OPERATORS: {
    group: 'Server',
    about: 'Who operates this server: `iss|sub` or `provider:email`, separated by commas.',
    default: 'none',
    example: 'google:ops@example.com',
  },
  LOG_LEVEL: {
    group: 'Server',
    about: 'fatal, error, warn, info, debug, trace or silent. Requests are info, refusals warn.',
    default: 'info',
    example: 'info',
  },
  REQUEST_LOG: {
    group: 'Server',
    about: '`off`: no line for each request; refusals and failures have theirs still.',
    default: 'on',
    example: 'on',
  },
  GATEHOUSE_DIRECT_LANE: {
    group: 'Server',
    about:
      '`off`: every request goes through the MCP SDK, also the ones whose answer is known without it. For comparing; it is many times slower.',
    default: 'on',
    example: 'on',
  },
  METRICS_TOKEN: {
    group: 'Server',
    about:
      'Bearer token for /metrics and the details of /readyz, at least 16 characters. Without it only this machine sees them. Make one: openssl rand -hex 32',
    default: '',
    example: '...',
    secret: true,
  },
  SHUTDOWN_TIMEOUT: {
    group: 'Server',
    about: 'Seconds to finish calls in flight after SIGTERM.',
    default: '25',
    example: '25',
  },
  TOOLS_DIR: {
    group: 'Server',
    about:
      'Absolute path of a folder with tools of your own, in JavaScript or TypeScript. Trusted code: in production read-only for the server; elsewhere read again when something in it changes.',
    default: 'none',
    example: '/app/tools',
  },
  EGRESS_ALLOW_PRIVATE: {
    group: 'Server',
    about: 'May configured issuers be at private addresses?',
    default: 'true; in production false',
    example: 'true',
  },
  DNS_SERVERS: {
    group: 'Server',
    about: 'IP addresses, perhaps with a port, of the DNS servers that are asked for the records of claimed domains.',
    default: 'those of this machine',
    example: '192.0.2.53',
  },
  RATE_LIMIT: {
    group: 'Limits',
    about: '`off` ends every limit that counts requests, never those of size, time and concurrency.',
    default: 'on',
    example: 'on',
  },
  RATE_LIMIT_PER_IP: {
    group: 'Limits',
    about: 'Failed or anonymous requests per minute and address.',
    default: '300',
    example: '300',
  },
  RATE_LIMIT_PER_TENANT: { group: 'Limits', about: 'Calls per minute and tenant.', default: '6000', example: '6000' },
  RATE_LIMIT_PER_PRINCIPAL: {
    group: 'Limits',
    about: 'Calls per minute and person or key.',
    default: '1200',
    example: '1200',
  },
  RATE_LIMIT_STORE: {
    group: 'Limits',
    about:
      'Where requests are counted: `memory` (each process for itself), `postgres` (all replicas together, in DATABASE_URL), or the redis://, rediss:// or valkey:// URL of a server that does.',
    default: 'memory',
    example: 'postgres',
    secret: true,
  },
  BODY_LIMIT: {
    group: 'Limits',
    about: 'Octets of one request at /mcp, 65536 to 67108864.',
    default: '1048576',
    example: '4194304',
  },
  RESULT_LIMIT: {
    group: 'Limits',
    about: 'Octets of one result, 65536 to 67108864. A plan can allow less.',
    default: '1048576',
    example: '4194304',
  },
  CALL_TIMEOUT: {
    group: 'Limits',
    about: 'Seconds of one call, 1 to 300, where the tool names no time of its own. A plan can allow less.',
    default: '15',
    example: '30',
  },
  USAGE_RETENTION_DAYS: {
    group: 'Limits',
    about: 'Days for which the hourly counts of calls are kept.',
    default: '90',
    example: '90',
  },
  AUDIT_RETENTION_DAYS: {
    group: 'Limits',
    about: 'Days for which the audit is kept: 30 to 3650.',
    default: '400',
    example: '400',
  },
  PROVISION_LIMIT: {
    group: 'Limits',
    about: 'New tenants per hour that may come into being by sign-in.',
    default: '20',
    example: '20',
  },
  TENANT_DELETE_DAYS: {
    group: 'Limits',
    about:
      'Days that a tenant works on after its deletion was asked for, and in which that can be taken back: 0 to 90.',
    default: '7',
    example: '30',
  },
} as const satisfies Record<string, Setting>
