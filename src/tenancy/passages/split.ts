import { createHash } from 'node:crypto'

/** A piece of a document that is embedded on its own. */
export interface Piece {
  readonly content: string
  /** SHA-256, hex, of what is embedded. */
  readonly digest: string
}

/** UTF-16 units. A piece ends at a paragraph once it has the first, and never has more than the second. */
const ENOUGH = 800
const MOST = 1_500

/**
 * A document in pieces: paragraphs together until there is enough, what is longer cut at the end of a sentence, a line or a word, if there is
 * one. A heading (`# ...`) begins a piece. Nothing but white space is left out. No piece: a document of nothing but white space, for
 * which its title stands.
 */
export function piecesOf(title: string, content: string): readonly Piece[] {
  const pieces: string[] = []
  let piece = ''
  const end = (): void => {
    if (piece !== '') pieces.push(piece)
    piece = ''
  }
  for (const paragraph of content.split(/\n[^\S\n]*(?:\n[^\S\n]*)+/)) {
    const text = paragraph.trim()
    if (text === '') continue
    if (/^#{1,6}\s/.test(text) && piece.length >= ENOUGH / 4) end()
    for (const part of cut(text)) {
      if (piece !== '' && piece.length + part.length + 2 > MOST) end()
      piece = piece === '' ? part : `${piece}\n\n${part}`
      if (piece.length >= ENOUGH) end()
    }
  }
  end()
  return (pieces.length === 0 ? [''] : pieces).map((content) => ({
    content,
    digest: createHash('sha256').update(embedded(title, content)).digest('hex'),
  }))
}

/** What the model is given: a passage says more with the title of its document. */
export const embedded = (title: string, content: string): string => (content === '' ? title : `${title}\n\n${content}`)

function cut(text: string): readonly string[] {
  const parts: string[] = []
  let rest = text
  while (rest.length > MOST) {
    const head = rest.slice(0, MOST)
    const ends = [/^[\s\S]*[.!?。！？](?=\s|$)/, /^[\s\S]*\n/, /^[\s\S]*\s/].map(
      (end) => end.exec(head)?.[0].length ?? 0,
    )
    // Not in the middle of a surrogate pair.
    const hard = /[\uD800-\uDBFF]$/.test(head) ? MOST - 1 : MOST
    const at = ends.find((length) => length >= MOST / 2) ?? hard
    parts.push(rest.slice(0, at).trim())
    rest = rest.slice(at).trim()
  }
  return [...parts, rest].filter((part) => part !== '')
}
