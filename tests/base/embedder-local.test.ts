import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConfigError } from '#base/config.ts'
import type { LocalEmbeddings } from '#base/config-search.ts'
import type { Embedder } from '#base/embedder.ts'
import { openLocalEmbedder } from '#base/embedder-local.ts'
import { createLog } from '#base/log.ts'
import { embeddingFailure } from '../support/embedding-failure.ts'

/**
 * Instead of @huggingface/transformers, in the same thread of ours: a text is [its length, 1, what it was the nth of]. Some texts make
 * trouble; what it was given is told by what it answers.
 */
const FAKE = `
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
export const env = { allowRemoteModels: true, fetch }
let asked = 0
export async function pipeline(task, model, options) {
  if (model === 'org/broken') throw new Error('it is no ONNX file\\nand more lines')
  const { localModelPath, allowRemoteModels } = env
  writeFileSync(join(localModelPath, 'given.json'), JSON.stringify({ task, model, options, localModelPath, allowRemoteModels }))
  const network = await env.fetch('https://huggingface.co').then(() => 'reached', (error) => error.message)
  writeFileSync(join(localModelPath, 'network'), network)
  return async (texts, how) => {
    if (texts.includes('bad')) throw new Error('tensor of another shape')
    if (texts.includes('die')) process.exit(1)
    while (texts.includes('wait') && !existsSync(join(localModelPath, 'go'))) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    if (how.pooling !== 'mean' || how.normalize !== true) throw new Error('neither pooled nor normalised')
    return { tolist: () => texts.map((text) => text === 'zeroes' ? [0, 0, 0] : [text.length, 1, asked++]) }
  }
}
`
const folder = mkdtempSync(join(tmpdir(), 'models-'))
const fake = join(folder, 'fake.mjs')
let written = ''
const log = createLog('warn', { write: (text) => void (written += text) })
let now = 0
const clock = { now: () => now }
const GOOD: LocalEmbeddings = { folder, model: 'org/tiny', dimensions: 3, batch: 64, perMinute: 300 }
const opened: { close: () => Promise<void> }[] = []

async function open(config: Partial<LocalEmbeddings> = {}, module = pathToFileURL(fake).href): Promise<Embedder> {
  const one = await openLocalEmbedder({ ...GOOD, ...config }, { clock, log, module })
  opened.push(one)
  return one.embedder
}
/** The order in which the model was given them. */
const place = (vector: readonly number[] | undefined): number => Math.round(vector![2]! / vector![1]!)

let embedder: Embedder
beforeAll(async () => {
  writeFileSync(fake, FAKE)
  for (const name of ['tiny', 'broken', 'full']) {
    mkdirSync(join(folder, 'org', name, 'onnx'), { recursive: true })
    for (const file of ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'onnx/model.onnx'])
      writeFileSync(join(folder, 'org', name, file), '{}')
  }
  mkdirSync(join(folder, 'org', 'empty', 'onnx'), { recursive: true })
  writeFileSync(join(folder, 'org', 'full', 'onnx', 'model_quantized.onnx'), '')
  embedder = await open()
})
afterAll(async () => {
  for (const { close } of opened) await close()
  rmSync(folder, { recursive: true, force: true })
})

test('texts become vectors of length 1 in their order, eight at a time, by a model that is named with its file', async () => {
  expect([embedder.model, embedder.dimensions]).toEqual(['org/tiny@fp32/3', 3])
  const texts = Array.from({ length: 20 }, (_, n) => 'x'.repeat(n + 1))
  const vectors = await embedder.passages(texts)
  expect(vectors.map(([length, one]) => Math.round(length! / one!))).toEqual(texts.map(({ length }) => length))
  for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1)
  expect(place(vectors[19]) - place(vectors[0])).toBe(19)
  expect(await embedder.passages([])).toEqual([])
})

test('the library is told to look in the folder alone, and a request of its own fails', async () => {
  expect(JSON.parse(readFileSync(join(folder, 'given.json'), 'utf8'))).toMatchObject({
    task: 'feature-extraction',
    model: 'org/tiny',
    options: { dtype: 'fp32', device: 'cpu', local_files_only: true },
    localModelPath: folder,
    allowRemoteModels: false,
  })
  expect(readFileSync(join(folder, 'network'), 'utf8')).toBe('the network is not asked for models')
})

test('the event loop goes on while the model works, and a question overtakes the passages that wait', async () => {
  const passages = embedder.passages(['wait', ...Array.from({ length: 20 }, () => 'passage')])
  const others = embedder.passages(['of another tenant'])
  const question = embedder.question('urgent')
  await new Promise((turn) => void setImmediate(turn))
  writeFileSync(join(folder, 'go'), '')
  const [asked, all, [other]] = [await question, await passages, await others]
  rmSync(join(folder, 'go'))
  expect(place(asked)).toBe(place(all[7]) + 1)
  expect(place(other)).toBe(place(asked) + 1)
  expect(place(all[8])).toBe(place(other) + 1)
})

test('a question is asked once an hour', async () => {
  const first = await embedder.question('same')
  expect(await embedder.question('same')).toEqual(first)
  now += 3_600_001
  expect(place(await embedder.question('same'))).toBeGreaterThan(place(first))
})

test('more than sixteen questions at once are not asked', async () => {
  const all = await Promise.allSettled(Array.from({ length: 20 }, async (_, n) => await embedder.question(`q${n}`)))
  expect(all.filter(({ status }) => status === 'rejected')).toHaveLength(4)
  await embedder.question('and after that one is')
})

test('whoever has gone is not waited for, and the model is asked no more for them', async () => {
  const stop = new AbortController()
  const passages = embeddingFailure(
    embedder.passages(['wait', ...Array.from({ length: 20 }, () => 'gone')], stop.signal),
  )
  stop.abort()
  expect((await passages).message).toBe('nobody waits for the vectors any more')
  writeFileSync(join(folder, 'go'), '')
  const [one] = await embedder.passages(['x'])
  rmSync(join(folder, 'go'))
  const [two] = await embedder.passages(['x'])
  expect(place(two)).toBe(place(one) + 1)
})

test('texts that the model has no vector for are refused, without their words', async () => {
  for (const text of ['bad', 'zeroes']) {
    const error = await embeddingFailure(embedder.passages(['private text', text]))
    expect(error.refused).toBe(true)
    expect(error.message).not.toMatch(/private|zeroes,/)
  }
  expect(await embedder.passages(['fine'])).toHaveLength(1)
})

test('a thread that dies fails the texts it had, and is started again for the next, not more often than every ten seconds', async () => {
  const fragile = await open()
  expect((await embeddingFailure(fragile.passages(['die']))).refused).toBe(false)
  expect(await fragile.passages(['alive'])).toHaveLength(1)
  expect(written).toContain('is started again')
  await embeddingFailure(fragile.passages(['die']))
  await embeddingFailure(fragile.passages(['too early']))
  now += 10_000
  expect(await fragile.passages(['alive'])).toHaveLength(1)
})

test('after close nothing is answered, and nothing is started', async () => {
  const closed = await openLocalEmbedder(GOOD, { clock, log, module: pathToFileURL(fake).href })
  const under = embeddingFailure(closed.embedder.passages(['wait']))
  await closed.close()
  expect((await under).refused).toBe(false)
  now += 10_000
  expect((await embeddingFailure(closed.embedder.passages(['x']))).message).toBe('the thread of the model ended')
})

test('of several files of a model the quantised one is taken', async () => {
  expect((await open({ model: 'org/full' })).model).toBe('org/full@q8/3')
})

test.each([
  [{ folder: '/no/such/folder' }, 'EMBEDDINGS_FOLDER: there is no folder /no/such/folder'],
  [{ model: 'org/absent' }, 'EMBEDDINGS_MODEL: there is no config.json in '],
  [{ model: 'org/empty' }, 'EMBEDDINGS_MODEL: there is no config.json in '],
  [{ model: 'org/broken' }, /^EMBEDDINGS_MODEL: .*org\/broken cannot be used \(it is no ONNX file\), for example /],
  [{ dimensions: 384 }, 'EMBEDDINGS_DIMENSIONS: the model answers 3, for example EMBEDDINGS_DIMENSIONS=3'],
])('%j stops the start: %s', async (config, says) => {
  expect(await problemOf(open(config))).toMatch(says)
})

test('without the package the start ends with the command that installs it; one that does not load says why', async () => {
  expect(await problemOf(open({}, '@huggingface/not-here'))).toBe(
    'EMBEDDINGS_FOLDER: the package that runs models is not installed: npm install @huggingface/transformers',
  )
  const wrong = join(folder, 'wrong.mjs')
  writeFileSync(wrong, "throw new Error('libonnxruntime.so.1: cannot open shared object file')")
  expect(await problemOf(open({}, pathToFileURL(wrong).href))).toBe(
    'EMBEDDINGS_FOLDER: @huggingface/transformers cannot be loaded: libonnxruntime.so.1: cannot open shared object file',
  )
})

async function problemOf(start: Promise<unknown>): Promise<string> {
  const error: unknown = await start.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ConfigError)
  return (error as ConfigError).problems.join('\n')
}
