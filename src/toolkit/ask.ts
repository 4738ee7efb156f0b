import { inputRequired, type InputRequest } from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { ToolContext } from './context.ts'

export type Question = InputRequest

/** Instead of a result: the call needs answers first (MCP 2026-07-28, basic/patterns/mrtr). Made by `ask`. */
export class Asking {
  readonly questions: Readonly<Record<string, Question>>
  readonly state: unknown
  constructor(questions: Readonly<Record<string, Question>>, state: unknown) {
    this.questions = questions
    this.state = state
  }
}

/**
 * What a run returns to have the client answer questions and call again, with the answers by the same names. Nothing of this round is
 * kept: its transaction is rolled back. What the next round must know goes into `state`, which is sealed for this person, this
 * tenant and these arguments for 10 minutes (D34); it can be sent again within that time, so it must not stand for a deed done once.
 * @param state what JSON can hold.
 */
export const ask = (questions: Readonly<Record<string, Question>>, state?: unknown): Asking =>
  new Asking(questions, state)

/** A form for the person. `fields`: flat; text, numbers, booleans and choices, as JSON Schema or a z.object. */
export const askPerson = (
  message: string,
  fields: Parameters<typeof inputRequired.elicit>[0]['requestedSchema'],
): Question => inputRequired.elicit({ message, requestedSchema: fields })

/** A completion by the client's own model. */
export const askModel = (params: Parameters<typeof inputRequired.createMessage>[0]): Question =>
  inputRequired.createMessage(params)

/** The folders the client works in. */
export const askRoots = (): Question => inputRequired.listRoots()

const Accepted = z.object({ action: z.literal('accept'), content: z.unknown() })

/** What the person filled in, when they accepted and it fits the schema; else undefined. */
export function answerOf<Fields extends z.ZodObject>(
  { answers }: Pick<ToolContext, 'answers'>,
  name: string,
  fields: Fields,
): z.output<Fields> | undefined {
  const accepted = Accepted.safeParse(answers[name])
  return accepted.success ? fields.safeParse(accepted.data.content).data : undefined
}
