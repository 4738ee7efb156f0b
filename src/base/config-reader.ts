import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { SETTINGS, variableOf, type Setting, type SettingName } from './settings.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads variables of the table in settings.ts and collects what is wrong with them, so that all problems are told at once.
 * A variable that is empty or blank counts as absent, as compose files and platforms write them. A problem names the variable
 * and what is wanted, never the value of a secret.
 */
export class ConfigReader {
  readonly problems: string[] = []
  readonly warnings: string[] = []
  readonly #env: Environment
  readonly #cwd: string
  readonly #instance: string | null

  /** @param instance reads OIDC_<NAME>_ISSUER where OIDC_ISSUER is asked for. */
  constructor(env: Environment, cwd: string, instance: string | null = null) {
    this.#env = env
    this.#cwd = cwd
    this.#instance = instance
  }

  /** The same environment for one more of a kind; its problems are told with ours. */
  of(instance: string): ConfigReader {
    const reader = new ConfigReader(this.#env, this.#cwd, instance)
    Object.assign(reader, { problems: this.problems, warnings: this.warnings })
    return reader
  }

  /** What this variable is called here. */
  variable(name: SettingName): string {
    return variableOf(name, this.#instance)
  }

  /** Always null, so that a reading can end with it. */
  problem(name: SettingName, wanted: string): null {
    const line = `${this.variable(name)}: ${wanted}`
    if (!this.problems.includes(line)) this.problems.push(line)
    return null
  }

  warn(name: SettingName, consequence: string): void {
    this.warnings.push(`${this.variable(name)}: ${consequence}`)
  }

  /** Is anything said, even wrongly, by the variable or its file? */
  has(name: SettingName): boolean {
    const variable = this.variable(name)
    return this.#given(variable) !== null || (isSecret(name) && this.#given(`${variable}_FILE`) !== null)
  }

  text(name: SettingName): string | null {
    const variable = this.variable(name)
    const value = this.#given(variable)
    if (!isSecret(name)) return value
    const file = this.#given(`${variable}_FILE`)
    if (file === null) return value
    if (value !== null) return this.problem(name, `give either ${variable} or ${variable}_FILE, not both`)
    try {
      const content = readFileSync(resolve(this.#cwd, file), 'utf8').trim()
      return content === '' ? this.problem(name, `the file of ${variable}_FILE is empty`) : content
    } catch {
      // Not which: who mixes the two up has written the secret itself there.
      return this.problem(name, `the file of ${variable}_FILE cannot be read`)
    }
  }

  /** Separated by commas; [] when absent. A list of nothing but commas is a problem: it would pass for given where one is needed. */
  list(name: SettingName): readonly string[] {
    const value = this.text(name)
    const items = (value ?? '')
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
    if (value !== null && items.length === 0) this.problem(name, 'holds nothing but commas')
    return items
  }

  /** The name of a claim. A name that every object has anyway (`constructor`, `__proto__`) is a problem. */
  claim(name: SettingName): string | null {
    const value = this.text(name)
    return value !== null && value in {} ? this.problem(name, 'cannot be the name of a claim') : value
  }

  flag(name: SettingName, otherwise: boolean): boolean {
    const value = this.text(name)?.toLowerCase()
    if (value === undefined) return otherwise
    if (value === 'true' || value === 'on') return true
    if (value !== 'false' && value !== 'off') this.problem(name, 'must be true or false')
    return false
  }

  choice<Value extends string>(name: SettingName, values: readonly Value[], otherwise: Value): Value {
    const value = this.text(name)
    if (value === null) return otherwise
    const found = values.find((one) => one === value)
    if (found === undefined) this.problem(name, `must be one of ${values.join(', ')}`)
    return found ?? otherwise
  }

  /** A whole number. */
  count(name: SettingName, otherwise: number, [least, most]: readonly [number, number]): number {
    const value = this.text(name)
    if (value === null) return otherwise
    const number = /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN
    if (number >= least && number <= most) return number
    this.problem(name, `must be a whole number from ${least} to ${most}`)
    return otherwise
  }

  /** Items that `wanted` describes and `isValid` accepts; the others are a problem, shown by place, never by value. */
  listOf(name: SettingName, isValid: (item: string) => boolean, wanted: string): readonly string[] {
    const items = this.list(name)
    const bad = items.flatMap((item, index) => (isValid(item) ? [] : [index + 1]))
    if (bad.length > 0) {
      const which = items.length === 1 ? '' : ` (${bad.length === 1 ? 'entry' : 'entries'} ${bad.join(', ')})`
      this.problem(name, `${wanted}${which}`)
    }
    return items
  }

  #given(variable: string): string | null {
    const value = this.#env[variable]?.trim()
    return value === undefined || value === '' ? null : value
  }
}

function isSecret(name: SettingName): boolean {
  const setting: Setting = SETTINGS[name]
  return setting.secret === true
}
