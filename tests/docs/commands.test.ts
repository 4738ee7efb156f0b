import { expect, test } from 'vitest'
import { blocks, pages, read } from './pages.ts'

const manifest = JSON.parse(read('package.json')) as { scripts: Record<string, string>; bin: Record<string, string> }
const shell = pages.flatMap((page) => blocks(page, 'sh').map((text) => ({ page, text })))

test('the README shows the two commands, exactly', () => {
  const lines = blocks('README.md', 'sh').map((text) => text.trim())
  expect(lines).toContain('npm ci && npm start')
  expect(lines).toContain('npm ci && npm test')
})

test('every npm script a page names exists', () => {
  const named = pages.flatMap((page) =>
    [...read(page).matchAll(/\bnpm run (?:-s )?([\w:]+)/g)].map(([, script = '']) => ({ page, script })),
  )
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter(({ script }) => manifest.scripts[script] === undefined)).toEqual([])
  expect(manifest.scripts).toHaveProperty('start')
  expect(manifest.scripts).toHaveProperty('test')
})

test('the program a page starts is the one package.json names', () => {
  const paths = pages.flatMap((page) =>
    [...read(page).matchAll(/\bnode (?:\/app\/)?(dist\/[\w./]+)/g)].map(([, path]) => path),
  )
  expect(new Set(paths)).toEqual(new Set([manifest.bin['gatehouse']]))
})

test('no page puts a token or a secret into a command line of ours', () => {
  expect(shell.filter(({ text }) => /gatehouse -- .*(gh_key_|ya29\.|gho_|eyJ)/.test(text))).toEqual([])
})
