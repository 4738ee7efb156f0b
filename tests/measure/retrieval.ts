/**
 * `npm run measure -- retrieval`: what search_documents finds of the labelled set in retrieval/, asked over MCP: by words alone (a server without
 * EMBEDDINGS_URL) and by words and meaning (the same server with it, its worker having embedded every passage). With EMBEDDINGS_URL,
 * EMBEDDINGS_MODEL, EMBEDDINGS_DIMENSIONS and EMBEDDINGS_KEY in the environment that model is asked; else the one of retrieval/model.ts, on loopback.
 * `--questions 20` for a quick try, `--thesaurus off` for a model that knows no words of one meaning, `--missed` to see what hybrid did not find
 */
import { parseArgs } from 'node:util'
import { embeddingsEndpoint } from '../support/embeddings-endpoint.ts'
import { percentile } from './generator.ts'
import { startCompany, type Hit } from './retrieval/company.ts'
import { missesOf, pairs, recallAt, tables, type Found } from './retrieval/figures.ts'
import { LABELLED } from './retrieval/labelled.ts'
import { localModel } from './retrieval/model.ts'
import { flawsOf, type SetQuestion } from './retrieval/set.ts'
import { THESAURUS } from './retrieval/thesaurus.ts'

const { values } = parseArgs({
  options: {
    questions: { type: 'string', default: '1000' },
    dimensions: { type: 'string', default: '512' },
    thesaurus: { type: 'string', default: 'on' },
    missed: { type: 'boolean', default: false },
  },
})
const dimensions = Number(values.dimensions)
const { documents, passages } = LABELLED
const step = Math.max(1, Math.ceil(LABELLED.questions.length / Number(values.questions)))
const questions = LABELLED.questions.filter((_, place) => place % step === 0)
const idOf = new Map(documents.map(({ title, id }) => [title, id]))
const own = Object.entries(process.env).filter(([name]) => name.startsWith('EMBEDDINGS_') || name.startsWith('EGRESS_'))
const real = process.env['EMBEDDINGS_URL'] !== undefined

/** The words of a question with `or` between them, as somebody who knows how would search by words alone. */
const anyWord = (text: string): string => (text.match(/[\p{L}\p{N}]+/gu) ?? []).join(' or ')
const ids = (hits: readonly Hit[]): readonly string[] => hits.map(({ title }) => idOf.get(title) ?? title)

const flaws = flawsOf(LABELLED)
for (const flaw of flaws) console.error(flaw)
const model = localModel({ thesaurus: values.thesaurus === 'off' ? [] : THESAURUS, dimensions })
const endpoint = await embeddingsEndpoint(dimensions, { passages: async (texts) => texts.map(model.vector) })
const company = await startCompany()
try {
  console.log(
    `${documents.length} documents in ${passages} passages, ${questions.length} questions of ${LABELLED.questions.length}; ${real ? `model ${process.env['EMBEDDINGS_MODEL']}` : `the local model, ${dimensions} dimensions, thesaurus ${values.thesaurus}`}`,
  )
  for (const document of documents) await company.write(document)
  const all: Found = await each(async (text) => ids(await company.search(text, 'words')))
  const any: Found = await each(async (text) => ids(await company.search(anyWord(text), 'words')))
  const began = performance.now()
  await company.withMeaning(
    real ? (Object.fromEntries(own) as Record<string, string>) : { ...endpoint.env, EMBEDDINGS_BATCH: '64' },
    passages,
  )
  console.log(
    `server started again, and all passages embedded, in ${((performance.now() - began) / 1000).toFixed(1)} s`,
  )
  const near = new Map<SetQuestion, readonly string[]>()
  const times: number[] = []
  const hybrid: Found = await each(async (text, question) => {
    const at = performance.now()
    const hits = await company.search(text, 'hybrid')
    times.push(performance.now() - at)
    const nearest = hits.filter(({ similarity }) => similarity !== null)
    near.set(question, ids(nearest.toSorted((a, b) => (b.similarity ?? 0) - (a.similarity ?? 0))))
    return ids(hits)
  })
  console.log(tables({ 'full text, all words': all, 'full text, any word': any, 'vectors alone': near, hybrid }))
  for (const [name, words] of Object.entries({ 'all words': all, 'any word': any })) {
    const { better, worse } = pairs(hybrid, words)
    console.log(`hybrid against ${name}: ${better} questions better, ${worse} worse`)
  }
  console.log(
    `a hybrid search over HTTP: p50 ${percentile(times, 0.5).toFixed(0)} ms, p95 ${percentile(times, 0.95).toFixed(0)} ms`,
  )
  if (values.missed)
    for (const [question, found] of hybrid)
      if (recallAt(5, question, found) < 1) {
        const places = (ways: readonly string[]): string =>
          question.answers.map((answer) => ways.indexOf(answer) + 1).join(',')
        console.log(
          `${question.kind}: ${question.text} | ${question.answers.join(' ')} | hybrid ${places(found)} vectors ${places(near.get(question) ?? [])} all ${places(all.get(question) ?? [])} any ${places(any.get(question) ?? [])}`,
        )
      }
  const misses = missesOf(hybrid, { 'full text, all words': all, 'full text, any word': any })
  for (const miss of misses) console.error(miss)
  if (misses.length > 0 || flaws.length > 0) process.exitCode = 1
} finally {
  await company.close()
  await endpoint.close()
}

async function each(ask: (text: string, question: SetQuestion) => Promise<readonly string[]>): Promise<Found> {
  const found = new Map<SetQuestion, readonly string[]>()
  for (const question of questions) found.set(question, await ask(question.text, question))
  return found
}
