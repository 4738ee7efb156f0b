import { defineTool, z } from 'gatehouse'

/** The tool that every server of the bench offers; the text is that of bench/servers/order.ts. */
export default defineTool({
  title: 'Describe order',
  description: 'Says in words what is ordered.',
  scopes: [],
  access: 'none',
  input: z.object({
    customer: z.string().min(1).max(200),
    item: z.string().min(1).max(500),
    quantity: z.int().min(1).max(1000),
    unit_price: z.number().min(0),
    express: z.boolean(),
    note: z.string().max(500).optional(),
  }),
  run: async (order) =>
    `${order.customer} order ${order.quantity} x ${order.item.slice(0, 160)} at ${order.unit_price.toFixed(2)} each, ` +
    `${(order.quantity * order.unit_price).toFixed(2)} in all, ${order.express ? 'express' : 'by post'}. ${order.note ?? ''}`,
})
