import { piecesOf } from '#tenancy/passages/split.ts'

/**
 * What a question is like. words: in the words of the document; meaning: in other words; sloppy: misspelt, or thrown together; name: for a code, a number
 * or a name.
 */
export const KINDS = ['words', 'meaning', 'sloppy', 'name'] as const
export type Kind = (typeof KINDS)[number]

/** A document: its title, and its sections. The first has no heading; the others are written `Heading: text`. */
type Written = readonly [title: string, ...sections: string[]]

/** A question as somebody would type it, and the documents that answer it. */
type Asked = readonly [kind: Kind, text: string, ...answers: string[]]

/** What one department of a company has written, and what people ask about it. */
export interface Subject {
  readonly documents: Readonly<Record<string, Written>>
  readonly questions: readonly Asked[]
}

export interface SetDocument {
  /** `subject/name`. */
  readonly id: string
  readonly title: string
  readonly content: string
  readonly sections: number
}

export interface SetQuestion {
  readonly kind: Kind
  readonly text: string
  /** Ids of documents, at least one. */
  readonly answers: readonly string[]
}

export interface LabelledSet {
  readonly documents: readonly SetDocument[]
  readonly questions: readonly SetQuestion[]
  /** As the product cuts the documents. */
  readonly passages: number
}

/** What issue 8 promises. */
export const PROMISED = { passages: 300, questions: 200 }

/** All subjects as one set; an answer without a subject is of the question's own. */
export function setOf(subjects: Readonly<Record<string, Subject>>): LabelledSet {
  const documents = Object.entries(subjects).flatMap(([subject, { documents }]) =>
    Object.entries(documents).map(([name, [title, first = '', ...more]]) => ({
      id: `${subject}/${name}`,
      title,
      content: [first, ...more.map((section) => `## ${section.replace(': ', '\n\n')}`)].join('\n\n'),
      sections: 1 + more.length,
    })),
  )
  const questions = Object.entries(subjects).flatMap(([subject, { questions }]) =>
    questions.map(([kind, text, ...answers]) => ({
      kind,
      text,
      answers: answers.map((answer) => (answer.includes('/') ? answer : `${subject}/${answer}`)),
    })),
  )
  const passages = documents.reduce((sum, { title, content }) => sum + piecesOf(title, content).length, 0)
  return { documents, questions, passages }
}

/** What is wrong with a set, in words; empty: nothing. */
export function flawsOf({ documents, questions, passages }: LabelledSet): readonly string[] {
  const flaws: string[] = []
  const ids = new Set(documents.map(({ id }) => id))
  for (const [what, each] of [
    ['title', documents.map(({ title }) => title)],
    [
      'question',
      questions.map(({ text }) =>
        text
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
          .trim(),
      ),
    ],
    ['text', documents.map(({ content }) => content)],
  ] as const) {
    const twice = each.filter((one, place) => each.indexOf(one) !== place)
    for (const one of twice) flaws.push(`a ${what} is there twice: ${one.slice(0, 80)}`)
  }
  for (const { id, title, content, sections } of documents) {
    const pieces = piecesOf(title, content).length
    if (sections > 3) flaws.push(`${id} has ${sections} sections, three are the most`)
    if (pieces !== sections) flaws.push(`${id} has ${sections} sections, and is cut into ${pieces} passages`)
  }
  for (const { text, answers } of questions) {
    if (answers.length === 0) flaws.push(`nothing answers: ${text}`)
    for (const answer of answers) if (!ids.has(answer)) flaws.push(`there is no ${answer}, which would answer: ${text}`)
  }
  for (const kind of KINDS)
    if (questions.filter((question) => question.kind === kind).length < questions.length / 10)
      flaws.push(`fewer than one question of ten is of the kind ${kind}`)
  if (passages < PROMISED.passages) flaws.push(`${passages} passages, ${PROMISED.passages} are promised`)
  if (questions.length < PROMISED.questions)
    flaws.push(`${questions.length} questions, ${PROMISED.questions} are promised`)
  return flaws
}
