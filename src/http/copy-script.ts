/**
 * The one script of the Connect page: shows the copy buttons, and copies. Where the clipboard is not allowed, the text is selected
 * instead. A constant, because the page's policy names its digest.
 */
export const COPY_SCRIPT = `
for (const button of document.querySelectorAll('button[data-copy]')) {
  const label = button.firstElementChild
  let back
  const say = (word, told) => {
    label.textContent = word
    document.getElementById('said').textContent = told
    clearTimeout(back)
    back = setTimeout(() => { label.textContent = 'Copy' }, 2000)
  }
  button.hidden = false
  button.addEventListener('click', async () => {
    const source = document.getElementById(button.dataset.copy)
    try {
      await navigator.clipboard.writeText(source.textContent)
      say('Copied', 'Copied')
    } catch {
      getSelection().selectAllChildren(source)
      say('Selected', 'The text is selected: copy it with the keyboard')
    }
  })
}
`
