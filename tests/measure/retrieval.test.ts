import { describe, expect, test } from 'vitest'
import { figuresOf, missesOf, pairs, tables, type Found } from './retrieval/figures.ts'
import { LABELLED } from './retrieval/labelled.ts'
import { localModel } from './retrieval/model.ts'
import { flawsOf, KINDS, PROMISED, setOf, type LabelledSet, type SetQuestion } from './retrieval/set.ts'
import { THESAURUS } from './retrieval/thesaurus.ts'

describe('the labelled set of npm run measure -- retrieval', () => {
  test('is as big as issue 8 promises, and nothing is wrong with it', () => {
    expect(flawsOf(LABELLED)).toEqual([])
    expect(LABELLED.passages).toBeGreaterThanOrEqual(300)
    expect(LABELLED.questions.length).toBeGreaterThanOrEqual(200)
    expect(new Set(LABELLED.questions.map(({ kind }) => kind))).toEqual(new Set(KINDS))
  })

  test.each<[string, (set: LabelledSet) => LabelledSet, RegExp]>([
    ['too few passages', (set) => ({ ...set, passages: PROMISED.passages - 1 }), /299 passages, 300 are promised/],
    ['too few questions', (set) => ({ ...set, questions: set.questions.slice(0, 199) }), /199 questions, 200/],
    [
      'a question twice, but for case and signs',
      (set) => ({
        ...set,
        questions: [...set.questions, { ...set.questions[0]!, text: `${set.questions[0]!.text.toUpperCase()}?` }],
      }),
      /a question is there twice/,
    ],
    [
      'an answer that is no document',
      (set) => ({ ...set, questions: [...set.questions, { kind: 'name', text: 'x', answers: ['hr/none'] }] }),
      /there is no hr\/none/,
    ],
    [
      'a question without an answer',
      (set) => ({ ...set, questions: [...set.questions, { kind: 'name', text: 'x', answers: [] }] }),
      /nothing answers/,
    ],
    [
      'a title twice',
      (set) => ({ ...set, documents: [...set.documents, set.documents[0]!] }),
      /a title is there twice/,
    ],
    [
      'sections that the product does not keep apart',
      (set) => ({
        ...set,
        documents: [...set.documents, { id: 'a/b', title: 'B', content: 'Short.\n\n## Next\n\nShort.', sections: 2 }],
      }),
      /a\/b has 2 sections, and is cut into 1 passages/,
    ],
    [
      'one kind of question missing',
      (set) => ({ ...set, questions: set.questions.filter(({ kind }) => kind !== 'sloppy') }),
      /of the kind sloppy/,
    ],
  ])('is found wanting: %s', (_, spoil, said) => {
    expect(flawsOf(spoil(LABELLED)).join('\n')).toMatch(said)
  })

  test('an answer is of the subject of its question, unless it names another one', () => {
    const { documents, questions } = setOf({
      a: { documents: { x: ['X', 'first', 'More: second'] }, questions: [['words', 'q', 'x', 'b/y']] },
      b: { documents: { y: ['Y', 'text'] }, questions: [] },
    })
    expect(documents).toMatchObject([{ id: 'a/x', content: 'first\n\n## More\n\nsecond', sections: 2 }, { id: 'b/y' }])
    expect(questions).toEqual([{ kind: 'words', text: 'q', answers: ['a/x', 'b/y'] }])
  })
})

describe('the figures of npm run measure -- retrieval', () => {
  const one: SetQuestion = { kind: 'words', text: 'one', answers: ['a'] }
  const two: SetQuestion = { kind: 'meaning', text: 'two', answers: ['b', 'c'] }
  const perfect: Found = new Map([
    [one, ['a']],
    [two, ['b', 'c']],
  ])
  const half: Found = new Map([
    [one, ['x', 'a']],
    [two, ['1', '2', '3', '4', 'b', 'c']],
  ])
  const none: Found = new Map([
    [one, []],
    [two, ['x']],
  ])

  test('recall counts the documents of a question among the first, and MRR where the first of them stands', () => {
    expect(figuresOf(perfect)).toEqual({
      questions: 2,
      recall1: 0.75,
      recall5: 1,
      recall10: 1,
      reciprocal: 1,
      empty: 0,
    })
    expect(figuresOf(half)).toEqual({
      questions: 2,
      recall1: 0,
      recall5: 0.75,
      recall10: 1,
      reciprocal: (1 / 2 + 1 / 5) / 2,
      empty: 0,
    })
    expect(figuresOf(none)).toMatchObject({ recall10: 0, reciprocal: 0, empty: 1 })
    expect(figuresOf(half, 'meaning')).toMatchObject({ questions: 1, recall5: 0.5 })
    expect(pairs(perfect, half)).toEqual({ better: 1, worse: 0 })
    expect(tables({ perfect, half })).toContain('| half | 0.000 | 0.750 | 1.000 | 0.350 | 0 |')
  })

  test('the promise is missed when hybrid is no better than one way of searching by words, and when nothing was asked', () => {
    expect(missesOf(perfect, { half, none })).toEqual([])
    expect(missesOf(half, { half, none })).toEqual(['hybrid has recall@5 0.750, half has 0.750'])
    expect(missesOf(none, { perfect, half })).toHaveLength(2)
    expect(missesOf(new Map(), { none: new Map() })).toHaveLength(1)
  })
})

describe('the local model of npm run measure -- retrieval', () => {
  const { vector } = localModel({ thesaurus: THESAURUS, dimensions: 512 })
  const alike = (a: string, b: string): number => {
    const other = vector(b)
    return vector(a).reduce((sum, one, index) => sum + one * other[index]!, 0)
  }

  test('answers the same each time, of length 1, for anything', () => {
    for (const text of ['Annual leave', 'the of a', '', '漢字 🏡']) {
      expect(Math.hypot(...vector(text))).toBeCloseTo(1)
      expect(localModel({ thesaurus: THESAURUS, dimensions: 512 }).vector(text)).toEqual(vector(text))
    }
  })

  test('knows forms of a word, words of one meaning and misspelt words, and not that all texts are alike', () => {
    expect(alike('invoices', 'invoice')).toBeGreaterThan(0.7)
    expect(alike('vacation', 'holiday')).toBeGreaterThan(0.3)
    expect(alike('cancellation', 'cancelation')).toBeGreaterThan(0.3)
    expect(Math.abs(alike('vacation', 'forklift'))).toBeLessThan(0.2)
  })
})
