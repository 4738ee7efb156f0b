import { expect, test } from 'vitest'
import { ConfigError } from '#base/config.ts'
import { loadConfig } from '#base/config-load.ts'

const load = (env: Record<string, string>) =>
  loadConfig({ EGRESS_ALLOW_PRIVATE: 'false', ...env }, { cwd: '/' }).embeddings
const problemsOf = (env: Record<string, string>): readonly string[] => {
  try {
    load(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}
const GOOD = {
  EMBEDDINGS_URL: 'https://api.example.com/v1/',
  EMBEDDINGS_MODEL: 'small',
  EMBEDDINGS_DIMENSIONS: '384',
}

test('without EMBEDDINGS_URL there is no search by meaning; with it, model and dimensions are needed', () => {
  expect(load({})).toBeNull()
  expect(load({ ...GOOD, EMBEDDINGS_KEY: 'k' })).toEqual({
    url: 'https://api.example.com/v1',
    model: 'small',
    key: 'k',
    dimensions: 384,
    batch: 64,
    perMinute: 300,
  })
})

test.each([
  [{ EMBEDDINGS_MODEL: 'small' }, 'EMBEDDINGS_URL: needed by EMBEDDINGS_MODEL'],
  [{ ...GOOD, EMBEDDINGS_MODEL: '' }, 'EMBEDDINGS_MODEL: needed'],
  [{ ...GOOD, EMBEDDINGS_DIMENSIONS: '' }, 'EMBEDDINGS_DIMENSIONS: needed'],
  [{ ...GOOD, EMBEDDINGS_DIMENSIONS: '3072' }, 'EMBEDDINGS_DIMENSIONS: must be a whole number from 2 to 2000'],
  [{ ...GOOD, EMBEDDINGS_BATCH: '0' }, 'EMBEDDINGS_BATCH: must be'],
  [{ ...GOOD, EMBEDDINGS_PER_MINUTE: 'x' }, 'EMBEDDINGS_PER_MINUTE: must be'],
  [{ ...GOOD, EMBEDDINGS_URL: 'http://api.example.com/v1' }, 'EMBEDDINGS_URL: must be https'],
  [{ ...GOOD, EMBEDDINGS_URL: 'http://127.0.0.1:1/v1' }, 'EMBEDDINGS_URL: must be https'],
  [{ ...GOOD, EMBEDDINGS_URL: 'https://user:word@api.example.com' }, 'EMBEDDINGS_URL: must be a URL without user'],
  [{ ...GOOD, EMBEDDINGS_URL: 'https://api.example.com/v1?key=1' }, 'EMBEDDINGS_URL: must be a URL without user'],
])('%j is refused: %s', (env, problem) => {
  expect(problemsOf(env)).toEqual([expect.stringContaining(problem)])
})

const LOCAL = { EMBEDDINGS_FOLDER: '/app/models', EMBEDDINGS_MODEL: 'Xenova/tiny', EMBEDDINGS_DIMENSIONS: '384' }

test('with EMBEDDINGS_FOLDER a model there is meant', () => {
  expect(load(LOCAL)).toEqual({
    folder: '/app/models',
    model: 'Xenova/tiny',
    dimensions: 384,
    batch: 64,
    perMinute: 300,
  })
  expect(load({ ...LOCAL, EMBEDDINGS_MODEL: 'tiny' })).toMatchObject({ model: 'tiny' })
})

test.each([
  [{ ...LOCAL, EMBEDDINGS_URL: 'https://api.example.com/v1' }, 'EMBEDDINGS_FOLDER: give either EMBEDDINGS_URL or'],
  [{ ...LOCAL, EMBEDDINGS_KEY: 'k' }, 'EMBEDDINGS_KEY: means nothing with EMBEDDINGS_FOLDER'],
  [{ ...LOCAL, EMBEDDINGS_FOLDER: 'models' }, 'EMBEDDINGS_FOLDER: must be an absolute path'],
  [{ ...LOCAL, EMBEDDINGS_MODEL: '' }, 'EMBEDDINGS_MODEL: needed by EMBEDDINGS_FOLDER'],
  [{ ...LOCAL, EMBEDDINGS_DIMENSIONS: '' }, 'EMBEDDINGS_DIMENSIONS: needed by EMBEDDINGS_FOLDER'],
])('a model in a folder: %j is refused: %s', (env, problem) => {
  expect(problemsOf(env)).toEqual([expect.stringContaining(problem)])
})

test.each(['../secrets', '/etc', 'a/../../b', 'a/b/c', 'a\\b', '.', '..', './a', 'a//b', 'a b', 'x'.repeat(201)])(
  'a model never leaves its folder: %j is refused',
  (model) => {
    const problem = 'EMBEDDINGS_MODEL: must be the name of a model in EMBEDDINGS_FOLDER'
    expect(problemsOf({ ...LOCAL, EMBEDDINGS_MODEL: model })).toEqual([expect.stringContaining(problem)])
  },
)

test('a model on this machine is asked over http where private addresses are allowed', () => {
  const local = { ...GOOD, EMBEDDINGS_URL: 'http://127.0.0.1:11434/v1', EGRESS_ALLOW_PRIVATE: 'true' }
  expect(load(local)).toMatchObject({ url: 'http://127.0.0.1:11434/v1', key: null })
})
