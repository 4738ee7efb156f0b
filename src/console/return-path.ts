/** Plain segments after /console, none of them dots only; a query of plain characters. Nothing that any browser could read as another host. */
const OURS = /^\/console(?:\/(?!\.+(?:[/?]|$))[\w.~-]+)*(?:\?[\w.~=&%-]*)?$/

const LONGEST = 512

/** Where to go after a sign-in: a path of the console, else its front page (against open redirects, B1). */
export const returnPath = (text: unknown): string =>
  typeof text === 'string' && text.length <= LONGEST && OURS.test(text) ? text : '/console'
