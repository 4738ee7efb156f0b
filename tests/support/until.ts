/** Asks until it is so. An error counts as "not yet", and is the one thrown when patience ends. */
export async function until(condition: () => boolean | Promise<boolean>, patience = 10_000): Promise<void> {
  const deadline = Date.now() + patience
  for (;;) {
    let last: unknown = new Error('it never became so')
    try {
      if (await condition()) return
    } catch (error) {
      last = error
    }
    if (Date.now() > deadline) throw last
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
