import axe, { type AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'

/**
 * What axe finds that keeps somebody from using the page as it stands (WCAG 2.2 A and AA, and its own rules), as text.
 * @param rules these only, by id: of a page that was looked at and changed its colours since.
 */
export async function faultsOf(page: Page, rules: readonly string[] | null = null): Promise<string[]> {
  // Run by the debugger, not by the page: the page's policy allows no script but its own.
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate<AxeResults>(
    `axe.run(document, ${JSON.stringify({ resultTypes: ['violations'], ...(rules === null ? {} : { runOnly: rules }) })})`,
  )
  return violations
    .filter(({ impact }) => impact !== 'minor')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`))
}

/** Pixels by which the page is wider than the window, so that somebody on a phone must scroll sideways. */
export const overflowOf = async (page: Page): Promise<number> =>
  await page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')
