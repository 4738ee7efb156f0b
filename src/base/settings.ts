import { DATABASE_SETTINGS } from './settings-database.ts'
import { FAIRNESS_SETTINGS } from './settings-fairness.ts'
import { LOGIN_SETTINGS } from './settings-login.ts'
import { PROVIDER_SETTINGS } from './settings-providers.ts'
import { SEARCH_SETTINGS } from './settings-search.ts'
import { SERVER_SETTINGS } from './settings-server.ts'
import { TRACING_SETTINGS } from './settings-tracing.ts'
import { UPSTREAM_SETTINGS } from './settings-upstreams.ts'

/** One variable of the environment. The table below is what is read, what `.env.example` shows and what docs/configuration.md lists. */
export interface Setting {
  readonly group: string
  /** One sentence: what it is. */
  readonly about: string
  /** What holds when it is absent, in words; '' when there is nothing. */
  readonly default: string
  readonly example: string
  /** A secret is never printed, and can be given as a file: NAME_FILE. */
  readonly secret?: true
  /** The same for one more of its kind, with <NAME> in upper case. */
  readonly named?: `${string}<NAME>${string}`
}

/** Set by hosting platforms. */
const PLATFORM_SETTINGS = {
  RAILWAY_PUBLIC_DOMAIN: {
    group: 'Platforms (set by them)',
    about: 'Railway: PUBLIC_URL is https:// and this. Any RAILWAY_ variable makes it production.',
    default: '',
    example: 'gatehouse.up.railway.app',
  },
  FLY_APP_NAME: {
    group: 'Platforms (set by them)',
    about: 'Fly: PUBLIC_URL is https://NAME.fly.dev. Any FLY_ variable makes it production.',
    default: '',
    example: 'gatehouse',
  },
  RENDER_EXTERNAL_URL: {
    group: 'Platforms (set by them)',
    about: 'Render: PUBLIC_URL.',
    default: '',
    example: 'https://gatehouse.onrender.com',
  },
  RENDER: { group: 'Platforms (set by them)', about: 'Render: makes it production.', default: '', example: 'true' },
} as const satisfies Record<string, Setting>

/** Every variable that is read, in the order in which it is shown. */
export const SETTINGS = {
  ...SERVER_SETTINGS,
  ...DATABASE_SETTINGS,
  ...FAIRNESS_SETTINGS,
  ...PROVIDER_SETTINGS,
  ...LOGIN_SETTINGS,
  ...TRACING_SETTINGS,
  ...UPSTREAM_SETTINGS,
  ...SEARCH_SETTINGS,
  ...PLATFORM_SETTINGS,
}

export type SettingName = keyof typeof SETTINGS

/** All rows with their names, as the plain type. */
export const settings: readonly (Setting & { readonly name: SettingName })[] = Object.entries(SETTINGS).map(
  ([name, setting]) => ({ ...setting, name: settingName(name) }),
)

function settingName(name: string): SettingName {
  if (isSettingName(name)) return name
  throw new Error(`${name} is no setting`)
}

function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name)
}

/** What may stand for <NAME>: also an id and a path segment once in lower case. FILE would be read as a secret's file. */
export const INSTANCE_NAME = '(?!FILE$|FILE_)[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*?'

/** The variable of a setting, or of one more of its kind: ('OIDC_ISSUER', 'ACME') is OIDC_ACME_ISSUER. */
export function variableOf(name: SettingName, instance: string | null = null): string {
  const setting: Setting = SETTINGS[name]
  return instance === null ? name : (setting.named ?? name).replace('<NAME>', instance)
}

/** The variable behind a fact about one OpenID issuer, by the provider's id: `oidc`, or the lower-cased NAME. */
export const variableOfIssuer = (id: string, name: SettingName): string =>
  variableOf(name, id === 'oidc' ? null : id.toUpperCase())

/** Is this variable read: a setting, one more of its kind, or its NAME_FILE? */
export const isSetting = (variable: string): boolean => readable.some((pattern) => pattern.test(variable))

const readable: readonly RegExp[] = settings.flatMap(({ name, named, secret }) =>
  [name, ...(named === undefined ? [] : [named.replace('<NAME>', INSTANCE_NAME)])].map(
    (form) => new RegExp(`^${form}${secret === true ? '(?:_FILE)?' : ''}$`),
  ),
)
