/** What `describe_order` is given; each server parses it in its own way. */
export interface Order {
  readonly customer: string
  readonly item: string
  readonly quantity: number
  readonly unit_price: number
  readonly express: boolean
  readonly note?: string | undefined
}

/** The work of the tool: the same text in every server that is compared. */
export const describeOrder = (order: Order): string =>
  `${order.customer} order ${order.quantity} x ${order.item.slice(0, 160)} at ${order.unit_price.toFixed(2)} each, ` +
  `${(order.quantity * order.unit_price).toFixed(2)} in all, ${order.express ? 'express' : 'by post'}. ${order.note ?? ''}`

/** A request as far as the bare servers look at it. */
export interface Request {
  readonly id: number
  readonly params: { readonly arguments: Order }
}

/** The answer that the official SDK gives, without anything around it. */
export const answerTo = ({ id, params }: Request): object => ({
  jsonrpc: '2.0',
  id,
  result: { content: [{ type: 'text', text: describeOrder(params.arguments) }] },
})
