import { tokenDigest } from '#identity/token-digest.ts'
import type { Session } from '#login/session.ts'

/** What stands for a session where a token's digest is asked for: its own, so that what is held of one session says nothing of another. */
export const sessionDigest = ({ id }: Pick<Session, 'id'>): string => tokenDigest(`session ${id}`)
