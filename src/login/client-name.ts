/** Characters a person sees. */
const MOST = 80

/**
 * A client's name as it claims it, made safe to show: at most 80 characters, one line, nothing invisible, nothing that turns the text
 * around (bidi controls), no stacks of accents. null when nothing is left. It proves nothing about who the client is (D27).
 */
export function claimedName(name: string | undefined): string | null {
  const cleaned = (name ?? '')
    .slice(0, 1000)
    .normalize('NFC')
    .replaceAll(/[\s\p{Z}]+/gu, ' ')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}]/gu, '')
    .replaceAll(/(\p{M}{2})\p{M}+/gu, '$1')
    .trim()
  return cleaned === '' ? null : Array.from(cleaned).slice(0, MOST).join('').trim()
}
