import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '#base/package.ts'

/** Every page a person reads, by its path from the package folder. */
export const pages: readonly string[] = [
  'README.md',
  'src/README.md',
  ...['docs', 'docs/providers', 'docs/clients', 'docs/operations', 'docs/deploy', 'examples/crm', '.github'].flatMap(
    (folder) =>
      readdirSync(join(packageRoot, folder))
        .filter((name) => name.endsWith('.md'))
        .map((name) => `${folder}/${name}`),
  ),
]

export const read = (path: string): string => readFileSync(join(packageRoot, path), 'utf8')

/** The page without its code blocks. */
export const prose = (path: string): string => read(path).replaceAll(/^([ \t]*)```[\s\S]*?^\1```$/gm, '')

/** Its code blocks of one language, in order. */
export const blocks = (path: string, language: string): string[] =>
  [...read(path).matchAll(/^([ \t]*)```(\w+)\n([\s\S]*?)^\1```$/gm)]
    .filter(([, , found]) => found === language)
    .map(([, , , text]) => text ?? '')

/** The anchors its headings give, as GitHub makes them. */
export const anchors = (path: string): Set<string> =>
  new Set(
    [...prose(path).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) =>
      (heading ?? '')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )

/** First cells of the rows of all tables of a page, without backticks. */
export const firstCells = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => /^\| `([^`]+)`/.exec(line)?.[1] ?? '')
