import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { html, htmlText, type HtmlValue } from '#base/html.ts'
import { document } from '#base/page.ts'

const evil = `<script>alert("1")</script>&'`

test('D38: a template escapes every value that it did not make itself', () => {
  expect(htmlText(html`<p title="${evil}">${evil}</p>`)).toBe(
    '<p title="&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#38;&#39;">&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#38;&#39;</p>',
  )
})

test('D38: an object that only looks like markup is no markup, wherever it came from', () => {
  const forged = JSON.parse('{"markup":"<b>","html":"<b>"}') as HtmlValue
  expect(() => htmlText(html`${forged}`)).toThrow(TypeError)
})

test('what a template made stands in another one as it is, lists are joined, and nothing is written for nothing', () => {
  const items = ['a', '<b>'].map((item) => html`<i>${item}</i>`)
  expect(htmlText(html`<b>${items}${null}${undefined}${false}${0}${''}</b>`)).toBe('<b><i>a</i><i>&#60;b&#62;</i>0</b>')
})

test('a page allows its own style and script by digest, and nothing else', () => {
  const { text, headers } = document({ title: evil, body: html`<h1>x</h1>`, script: 'let a = 1 < 2 && "</p>"' })
  const sha = (of: string | undefined): string =>
    `'sha256-${createHash('sha256')
      .update(of ?? '')
      .digest('base64')}'`
  const [, style] = /<style>([\s\S]*?)<\/style>/.exec(text) ?? []
  const [, script] = /<script>([\s\S]*?)<\/script>/.exec(text) ?? []
  expect(headers['content-security-policy']).toBe(
    `default-src 'none'; style-src ${sha(style)}; script-src ${sha(script)}; img-src data:; base-uri 'none'; frame-ancestors 'none'`,
  )
  expect(text).not.toContain(evil)
})

test('a page without a script allows none, and no page has an inline style or handler that its policy would stop', () => {
  const { text, headers } = document({ title: 'x', body: html`<h1>x</h1>` })
  expect(headers['content-security-policy']).not.toMatch(/script-src|unsafe|form-action/)
  expect(text).not.toMatch(/<script|\sstyle=|\son\w+=/)
})
