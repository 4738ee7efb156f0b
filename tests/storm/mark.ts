import { randomBytes } from 'node:crypto'

/** What stands in every row of one tenant and in no row of another. */
export const newMark = (): string => `mk${randomBytes(6).toString('hex')}`

const MARK = /mk[0-9a-f]{12}/g

/** Every mark in a text. */
export const marksIn = (text: string): readonly string[] => text.match(MARK) ?? []
