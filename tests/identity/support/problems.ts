import { ConfigError } from '#base/config.ts'

/** The problems that stop the boot here, as one text; '' when nothing does. Any other error is thrown on. */
export function problemsOf(start: () => unknown): string {
  try {
    start()
    return ''
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.join('\n')
    throw error
  }
}
