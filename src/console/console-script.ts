/**
 * The one script of the console; every page works without it. It copies (`button[data-copy=id]`, hidden until then), asks again before a form
 * that cannot be undone (`form[data-confirm]`), looks again while something is under way (`[data-poll=seconds]` with an id: that element is
 * replaced by the one of the same page asked anew), shows times in the reader's own zone, and closes menus.
 */
export const CONSOLE_SCRIPT = `'use strict'
const said = document.getElementById('said')
function prepare(root) {
  for (const button of root.querySelectorAll('button[data-copy]')) {
    const label = button.textContent
    button.hidden = false
    button.addEventListener('click', async () => {
      const source = document.getElementById(button.dataset.copy)
      try {
        await navigator.clipboard.writeText(source.value ?? source.textContent)
        button.textContent = said.textContent = 'Copied'
      } catch {
        getSelection().selectAllChildren(source)
        button.textContent = 'Selected'
        said.textContent = 'The text is selected: copy it with the keyboard'
      }
      setTimeout(() => { button.textContent = label }, 2000)
    })
  }
  for (const form of root.querySelectorAll('form[data-confirm]'))
    form.addEventListener('submit', (event) => { if (!confirm(form.dataset.confirm)) event.preventDefault() })
  for (const time of root.querySelectorAll('time[datetime]'))
    if (!time.title) time.title = new Date(time.dateTime).toLocaleString()
  for (const part of root.querySelectorAll('[data-poll]')) poll(part)
}
const began = Date.now()
function poll(part) {
  // A page that somebody left open must not keep their session alive all day.
  if (Date.now() - began > 1800000) return
  setTimeout(async () => {
    if (!part.isConnected) return
    if (document.hidden || part.contains(document.activeElement)) return poll(part)
    try {
      const answer = await fetch(location.href, { headers: { accept: 'text/html' }, redirect: 'error' })
      if (answer.status === 429 || answer.status === 503) return poll(part)
      if (!answer.ok) return
      const next = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById(part.id)
      if (next === null) return
      if (next.textContent === part.textContent) return poll(part)
      part.replaceWith(next)
      if (next.dataset.said !== part.dataset.said) said.textContent = next.dataset.said ?? ''
      prepare(next)
      if (next.dataset.poll) poll(next)
    } catch {
      poll(part)
    }
  }, Number(part.dataset.poll) * 1000)
}
prepare(document)
document.addEventListener('click', (event) => {
  for (const menu of document.querySelectorAll('details.menu[open]')) if (!menu.contains(event.target)) menu.open = false
})
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return
  for (const menu of document.querySelectorAll('details.menu[open]')) { menu.open = false; menu.firstElementChild.focus() }
})
`
