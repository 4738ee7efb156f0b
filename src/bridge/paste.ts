import { urlOf } from '#base/address.ts'
import { isAnswer, type Arrival } from './callback.ts'

/** The address of the last page, as a person pastes it; what is not the answer to our state is told and waited past. */
export async function pasted(
  input: AsyncIterable<unknown>,
  redirectUri: string,
  state: string,
  tell: (line: string) => void,
): Promise<Arrival> {
  let held = ''
  for await (const chunk of input) {
    held += String(chunk)
    const lines = held.split(/\r?\n/)
    held = lines.pop() ?? ''
    for (const line of lines) {
      const url = urlOf(line.trim())
      if (url !== null && `${url.origin}${url.pathname}` === redirectUri && isAnswer(url.searchParams, state))
        return { url, show: () => undefined }
      if (line.trim() !== '') tell(`That is not it: the address begins with ${redirectUri}?`)
    }
  }
  // The input ended: somebody may still come by the browser.
  return await new Promise<never>(() => undefined)
}
