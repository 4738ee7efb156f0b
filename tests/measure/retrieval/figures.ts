import { KINDS, type Kind, type SetQuestion } from './set.ts'

/** How one way of searching did with some questions. Shares, 0 to 1. */
export interface Figures {
  readonly questions: number
  /** Of a question's documents, those that stand first, or among the first five or ten: the mean of all questions. */
  readonly recall1: number
  readonly recall5: number
  readonly recall10: number
  /** One by the place of the first right document, 0 when there is none: the mean. */
  readonly reciprocal: number
  /** Questions for which nothing at all was found. */
  readonly empty: number
}

/** What was found for a question, as ids of documents, best first. */
export type Found = ReadonlyMap<SetQuestion, readonly string[]>

export function recallAt(most: number, { answers }: SetQuestion, found: readonly string[]): number {
  const first = found.slice(0, most)
  return answers.filter((answer) => first.includes(answer)).length / answers.length
}

/** @param kind null: all of them. */
export function figuresOf(found: Found, kind: Kind | null = null): Figures {
  const some = [...found].filter(([question]) => kind === null || question.kind === kind)
  const mean = (of: (question: SetQuestion, ids: readonly string[]) => number): number =>
    some.reduce((sum, [question, ids]) => sum + of(question, ids), 0) / some.length
  return {
    questions: some.length,
    recall1: mean((question, ids) => recallAt(1, question, ids)),
    recall5: mean((question, ids) => recallAt(5, question, ids)),
    recall10: mean((question, ids) => recallAt(10, question, ids)),
    reciprocal: mean(({ answers }, ids) => {
      const place = ids.findIndex((id) => answers.includes(id))
      return place === -1 ? 0 : 1 / (place + 1)
    }),
    empty: some.filter(([, ids]) => ids.length === 0).length,
  }
}

/** Questions for which the first way has more of the answers among its first five than the second, and fewer. */
export function pairs(one: Found, other: Found): { readonly better: number; readonly worse: number } {
  const gains = [...one].map(
    ([question, ids]) => recallAt(5, question, ids) - recallAt(5, question, other.get(question) ?? []),
  )
  return { better: gains.filter((gain) => gain > 0).length, worse: gains.filter((gain) => gain < 0).length }
}

/** The promise of issue 8, in words where it is not kept; empty: hybrid beats every way of searching by words alone. */
export function missesOf(hybrid: Found, words: Readonly<Record<string, Found>>): readonly string[] {
  const own = figuresOf(hybrid).recall5
  return Object.entries(words).flatMap(([name, found]) => {
    const theirs = figuresOf(found).recall5
    // Nothing asked is NaN, which beats nothing.
    return own > theirs ? [] : [`hybrid has recall@5 ${own.toFixed(3)}, ${name} has ${theirs.toFixed(3)}`]
  })
}

/** A table in Markdown: a line for each way, then recall@5 by kind of question. */
export function tables(ways: Readonly<Record<string, Found>>): string {
  const rows = Object.entries(ways).map(([name, found]) => {
    const { recall1, recall5, recall10, reciprocal, empty } = figuresOf(found)
    return `| ${[name, ...[recall1, recall5, recall10, reciprocal].map((one) => one.toFixed(3)), empty].join(' | ')} |`
  })
  const kinds = Object.entries(ways).map(
    ([name, found]) =>
      `| ${[name, ...KINDS.map((kind) => figuresOf(found, kind).recall5.toFixed(3).replace('NaN', '-'))].join(' | ')} |`,
  )
  const [first = new Map<SetQuestion, readonly string[]>()] = Object.values(ways)
  return [
    '| search | recall@1 | recall@5 | recall@10 | MRR | nothing found |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    `| recall@5 | ${KINDS.map((kind) => `${kind} (${figuresOf(first, kind).questions})`).join(' | ')} |`,
    `|---|${KINDS.map(() => '---|').join('')}`,
    ...kinds,
  ].join('\n')
}
