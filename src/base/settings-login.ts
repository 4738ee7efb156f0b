import type { Setting } from './settings.ts'

/** What says which applications may have people sign in here, and where they may be sent back to. */
export const LOGIN_SETTINGS = {
  LOGIN: {
    group: 'Sign-in',
    about:
      '`broker`: applications sign people in here, with the providers that have a CLIENT_ID and what secret they need. `direct`: they are sent to the providers. `auto`: broker when there is such a provider.',
    default: 'auto',
    example: 'broker',
  },
  LOGIN_REDIRECT_SCHEMES: {
    group: 'Sign-in',
    about:
      'URL schemes of desktop applications that people may be sent back to, beside https and this computer. `none`: no such scheme.',
    default: 'cursor',
    example: 'cursor,vscode',
  },
  LOGIN_ALLOWED_CLIENTS: {
    group: 'Sign-in',
    about:
      'The only applications that may sign people in: client_id URLs, redirect hosts, `localhost` (programs on the computer of the person), or `cursor:` (a scheme).',
    default: 'all',
    example: 'claude.ai,claude.com,localhost',
  },
  LOGIN_BLOCKED_HOSTS: {
    group: 'Sign-in',
    about:
      'Hosts, with all names beneath them, that nobody is sent back to. Read at each use, so it also ends registrations that exist.',
    default: 'none',
    example: 'evil.example.com',
  },
  LOGIN_REQUIRE_RESOURCE: {
    group: 'Sign-in',
    about: 'Must an application name the resource it signs in for (RFC 8707)? `false` for old ones; people are warned.',
    default: 'true',
    example: 'true',
  },
} as const satisfies Record<string, Setting>
