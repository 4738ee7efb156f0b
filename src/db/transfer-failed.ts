/** Why a transfer cannot go on, in words for the operator. */
export class TransferFailed extends Error {
  override readonly name = 'TransferFailed'
  /**
   * refused: nothing was begun. differs: the copy is not what the source is, make a new one. busy: transactions of the tenant did not end
   * in time, nothing changed. lost: another process works on it.
   */
  readonly code: 'refused' | 'differs' | 'busy' | 'lost'
  constructor(code: TransferFailed['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
