import { INSTANCE_NAME, isSetting, settings } from './settings.ts'

/**
 * The line of a problem as people read it: it ends with an example of how the variable is written, from the table of settings, unless it
 * holds one already. Of a secret with nothing to show it is the command that makes one, or the form with a file. A line that begins with no
 * variable of ours is left as it is.
 */
export function withExample(problem: string): string {
  const [, variable = ''] = /^([A-Z][A-Z0-9_]*): /.exec(problem) ?? []
  if (problem.includes('for example ') || !isSetting(variable)) return problem
  const aboutFile = problem.includes(`${variable}_FILE`)
  return `${problem}, for example ${aboutFile ? asFile(variable) : exampleOf(variable)}`
}

/** `PORT=3000`: a variable of the table as it is written in an environment, fit for a shell. */
export function exampleOf(variable: string): string {
  const setting = settings.find(
    ({ name, named }) =>
      name === variable ||
      (named !== undefined && new RegExp(`^${named.replace('<NAME>', INSTANCE_NAME)}$`).test(variable)),
  )
  const { example = '...', about = '' } = setting ?? {}
  if (example !== '...') return `${variable}=${/[\s|]/.test(example) ? `'${example}'` : example}`
  const [, command] = /Make one: (.+)$/.exec(about) ?? []
  return command === undefined ? asFile(variable) : `${variable}="$(${command})"`
}

const asFile = (variable: string): string => `${variable}_FILE=/run/secrets/${variable.toLowerCase()}`
