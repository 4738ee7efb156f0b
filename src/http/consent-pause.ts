/** Milliseconds. A double click takes less; whoever reads the page takes more. */
const PAUSE = 500

/**
 * A page of somebody else can lay a window over ours and have the person double-click there: the first click closes it, the second lands
 * on whatever button of ours was beneath (double clickjacking, against which no header helps). So a form of ours takes no answer in the
 * first moment after its page appears, comes back, or becomes the window in front. Without JavaScript it takes one at once.
 */
export const CONSENT_PAUSE = `(() => {
  const form = document.forms[0]
  const buttons = [...form.querySelectorAll('button')]
  let pause
  const rest = () => {
    for (const button of buttons) button.setAttribute('aria-disabled', 'true')
    clearTimeout(pause)
    pause = setTimeout(() => {
      pause = undefined
      for (const button of buttons) button.removeAttribute('aria-disabled')
    }, ${PAUSE})
  }
  form.addEventListener('submit', (event) => {
    if (pause !== undefined) event.preventDefault()
  })
  addEventListener('focus', rest)
  addEventListener('pageshow', rest)
  document.addEventListener('visibilitychange', rest)
  rest()
})()`
