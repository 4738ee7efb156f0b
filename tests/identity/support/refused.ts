import { Refusal } from '#base/refusal.ts'

/** The code of the Refusal that this ends in; 'accepted' when it does not; any other error is thrown on. */
export async function refused(work: () => unknown): Promise<string> {
  try {
    await work()
    return 'accepted'
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}
