import { seconds, type Clock } from '#base/clock.ts'

/** RFC 6749 section 5.1. */
export interface TokenAnswer {
  readonly access_token: string
  readonly token_type: 'Bearer'
  /** Seconds; absent when the token says no end (an OAuth app of GitHub): it works until it is taken back. */
  readonly expires_in?: number
  readonly refresh_token?: string
  /** Absent: what was asked for. A token that carries no scopes of ours is not narrowed; roles say what it may do. */
  readonly scope?: string
}

/** What an answer is made from, and what is kept of it for half a minute. */
export interface Granted {
  readonly access_token: string
  readonly refresh_token: string | null
  /** NumericDate; null when the token says no end. */
  readonly exp: number | null
  readonly scope: string
}

export const tokenAnswer = ({ access_token, refresh_token, exp, scope }: Granted, clock: Clock): TokenAnswer => ({
  access_token,
  token_type: 'Bearer',
  ...(exp === null ? {} : { expires_in: Math.max(0, exp - seconds(clock)) }),
  ...(refresh_token === null ? {} : { refresh_token }),
  ...(scope === '' ? {} : { scope }),
})
