/** RFC 5321 section 4.1.2 Dot-string without quoting: what mail systems really give out. */
const LOCAL = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * The domain of an email address in lower case, or null when the address is not one we map anybody by: more or fewer
 * than one @, a quoted local part, a comment, spaces, anything but ASCII (an international domain counts as punycode only), a trailing
 * dot, one label, or over 254 characters. Nothing is normalised but case. Does not say whether the address was verified.
 */
export function emailDomain(address: string): string | null {
  const [local, domain, ...rest] = address.split('@')
  if (local === undefined || domain === undefined || rest.length > 0 || address.length > 254 || local.length > 64)
    return null
  // Only after the test for ASCII: the Kelvin sign lower-cases to k.
  if (!LOCAL.test(local) || !/^[A-Za-z0-9.-]+$/.test(domain)) return null
  const lower = domain.toLowerCase()
  const labels = lower.split('.')
  const top = labels.at(-1) ?? ''
  return labels.length > 1 && labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(top) ? lower : null
}
