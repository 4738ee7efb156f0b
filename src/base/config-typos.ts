import type { Environment } from './config-reader.ts'
import { isSetting, settings } from './settings.ts'

const known = settings.flatMap(({ name, secret }) => (secret === true ? [name, `${name}_FILE`] : [name]))
const letters = (name: string): string => name.replaceAll('_', '')

/** Variables that nothing reads but that look like one we read (GOOGLE_CLIENTID), one line each. */
export function likelyMistakes(env: Environment): readonly string[] {
  return Object.keys(env).flatMap((name) => {
    if (env[name] === undefined || isSetting(name) || name.length < 6) return []
    const upper = name.toUpperCase()
    if (isSetting(upper)) return [`${name}: is not read; did you mean ${upper}?`]
    const near = known.find((one) => letters(one) === letters(upper) || (one.length >= 8 && isNear(one, upper)))
    if (near !== undefined) return [`${name}: is not read; did you mean ${near}?`]
    return /^(?:OIDC|AUTH0|GATEHOUSE|UPSTREAM)_/.test(name) ? [`${name}: is not read`] : []
  })
}

/** One letter more, less, other, or two swapped? */
function isNear(one: string, other: string): boolean {
  let start = 0
  while (start < one.length && one[start] === other[start]) start++
  const [a, b] = [one.slice(start), other.slice(start)]
  return (
    a.slice(1) === b.slice(1) ||
    a.slice(1) === b ||
    a === b.slice(1) ||
    (a.slice(2) === b.slice(2) && a[0] === b[1] && a[1] === b[0])
  )
}
