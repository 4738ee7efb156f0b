import { domainToASCII, domainToUnicode } from 'node:url'

/** Scripts that are written together (Unicode TS 39, "highly restrictive"); every other label is in one script. */
const TOGETHER: readonly RegExp[] = [
  /^[\p{Script=Latin}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Common}\p{Script=Inherited}]+$/u,
  /^[\p{Script=Latin}\p{Script=Han}\p{Script=Hangul}\p{Script=Common}\p{Script=Inherited}]+$/u,
  /^[\p{Script=Latin}\p{Script=Han}\p{Script=Bopomofo}\p{Script=Common}\p{Script=Inherited}]+$/u,
]
const SCRIPTS = [
  'Latin Cyrillic Greek Armenian Georgian Hebrew Arabic Devanagari Bengali Gurmukhi Gujarati Oriya Tamil Telugu Kannada Malayalam Sinhala',
  'Thai Lao Tibetan Myanmar Khmer Mongolian Ethiopic Cherokee Hangul Han Hiragana Katakana Thaana',
].flatMap((names) =>
  names.split(' ').map((name) => new RegExp(`^[\\p{Script=${name}}\\p{Script=Common}\\p{Script=Inherited}]+$`, 'u')),
)

/** Labels of nothing but these can be read as Latin ones: Cyrillic, Greek and Armenian letters that look like a-z (as Chromium lists them). */
const READ_AS_LATIN = /^[асԁеһіјӏорԛѕԝхуъьҽпгѵѡαικνρυωηοτագզհյնոսցօքւ0-9-]+$/u
/** Latin letters that are others in disguise: IPA, phonetic, dotless and small capitals. */
const ODD_LATIN =
  /[ıȷĸŀ\u0180-\u019F\u01A2-\u01AE\u01B1-\u01BF\u0250-\u02AF\u1D00-\u1DBF\u2C60-\u2C7F\uA720-\uA7FF\uAB30-\uAB6F]/u
/** What is not seen, or seen as a dot or a slash. */
const UNSEEN = /[\p{Cf}\p{Cc}\p{Zs}\p{Default_Ignorable_Code_Point}·‧⁄∕⧸╱ʹʻʼˈ]/u

/**
 * Why an international name must not be claimed, as a sentence's end; null: it cannot be taken for another. Judged by label: one script,
 * none that reads as Latin, no unseen signs. ASCII names that resemble each other (acme, acrne) are not judged.
 * @param domain lower-case ASCII, as `domainName` answers.
 */
export function lookAlike(domain: string): string | null {
  if (!domain.split('.').some((label) => label.startsWith('xn--'))) return null
  const written = domainToUnicode(domain)
  const labels = written.split('.')
  // What decodes to nothing is '' on Node 20 and stays as it is on Node 24.
  if (written === '' || domainToASCII(written) !== domain || labels.some((label) => label.startsWith('xn--')))
    return 'is no valid international name'
  for (const label of labels) {
    if (/^[\x20-\x7e]*$/.test(label)) continue
    if (UNSEEN.test(label)) return `reads ${written}, with signs that are not seen as what they are`
    if (![...SCRIPTS, ...TOGETHER].some((script) => script.test(label)))
      return `reads ${written}, which mixes scripts, so it can be taken for another name`
    if (READ_AS_LATIN.test(label) || ODD_LATIN.test(label))
      return `reads ${written}, whose letters can be taken for Latin ones`
  }
  return null
}
