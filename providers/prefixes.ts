/** Every prefix GitHub gives tokens: OAuth app, app user, installation, refresh, classic and fine-grained personal. */
export const GITHUB_PREFIXES = ['gho_', 'ghu_', 'ghs_', 'ghr_', 'ghp_', 'github_pat_'] as const
export const GOOGLE_PREFIX = 'ya29.'

/** Tokens that say whose they are: never shown to an issuer that is asked about "the rest" (D14), configured here or not. */
export const hasKnownPrefix = (token: string): boolean =>
  [...GITHUB_PREFIXES, GOOGLE_PREFIX].some((prefix) => token.startsWith(prefix))
