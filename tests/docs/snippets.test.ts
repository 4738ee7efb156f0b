import { execFileSync } from 'node:child_process'
import { parse as parseToml } from 'smol-toml'
import { expect, test } from 'vitest'
import { blocks, pages, read } from './pages.ts'

const found = (language: string): { page: string; text: string }[] =>
  pages.flatMap((page) => blocks(page, language).map((text) => ({ page, text })))

/** The pages whose text is no valid one of its language, with the parser's words. */
function broken(language: string, parse: (text: string) => unknown): string[] {
  const all = found(language)
  if (all.length === 0) throw new Error(`no page shows any ${language}`)
  return all.flatMap(({ page, text }) => {
    try {
      parse(text)
      return []
    } catch (error) {
      return [`${page}: ${String(error)}\n${text}`]
    }
  })
}

test('every JSON and TOML on a page parses', () => {
  expect([...broken('json', JSON.parse), ...broken('toml', parseToml)]).toEqual([])
})

test('every shell command on a page is one the shell can read', () => {
  expect(
    broken('sh', (text) => execFileSync('sh', ['-n'], { input: text, stdio: ['pipe', 'ignore', 'pipe'] })),
  ).toEqual([])
})

test('every code block says its language', () => {
  const fences = pages.flatMap((page) =>
    [...read(page).matchAll(/^[ \t]*```(\w*)$/gm)].map(([, language = ''], index) => ({
      page,
      language,
      opens: index % 2 === 0,
    })),
  )
  expect(fences.length).toBeGreaterThan(80)
  expect(fences.filter(({ opens, language }) => opens === (language === ''))).toEqual([])
})
