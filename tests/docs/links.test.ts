import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '#base/package.ts'
import { anchors, pages, prose } from './pages.ts'

interface Link {
  readonly page: string
  readonly to: string
}

const links: Link[] = pages.flatMap((page) =>
  [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => ({ page, to: match[1] ?? '' })),
)

test('every page was found, and they link to each other', () => {
  expect(pages.length).toBeGreaterThan(15)
  expect(links.length).toBeGreaterThan(50)
})

test('every link within the project leads to a file, and its anchor to a heading', () => {
  const broken = links.filter(({ page, to }) => {
    if (/^[a-z]+:/.test(to)) return false
    const [path = '', anchor] = to.split('#')
    const target = path === '' ? page : normalize(join(dirname(page), path))
    if (!existsSync(join(packageRoot, target))) return true
    return anchor !== undefined && !(target.endsWith('.md') && anchors(target).has(anchor))
  })
  expect(broken).toEqual([])
})

test('links to the world are https', () => {
  expect(links.filter(({ to }) => /^[a-z]+:/.test(to) && !to.startsWith('https://'))).toEqual([])
})

test('every page is reached from the README', () => {
  const reached = new Set(['README.md'])
  for (const page of reached) {
    for (const link of links.filter((one) => one.page === page && !/^[a-z]+:/.test(one.to))) {
      const target = normalize(join(dirname(page), link.to.split('#')[0] ?? ''))
      if (target.endsWith('.md')) reached.add(target)
    }
  }
  expect(pages.filter((page) => !reached.has(page))).toEqual([])
})
