import { isObject, type JsonObject } from './json.ts'

/** A JSON-RPC message of either side. What the bridge does not know about stays in it, untouched. */
export type Message = JsonObject
export type RequestId = string | number

export const idOf = (message: Message): RequestId | null => {
  const { id } = message
  return typeof id === 'string' || typeof id === 'number' ? id : null
}

export const methodOf = (message: Message): string | null =>
  typeof message['method'] === 'string' ? message['method'] : null

export const isRequest = (message: Message): boolean => methodOf(message) !== null && idOf(message) !== null

/** An answer: a result or an error. The id of an error may be null (JSON-RPC 2.0 section 5). */
export const isAnswer = (message: Message): boolean =>
  methodOf(message) === null && ('result' in message || 'error' in message)

export const paramsOf = (message: Message): JsonObject => (isObject(message['params']) ? message['params'] : {})

export const resultOf = (message: Message): JsonObject | null =>
  isObject(message['result']) ? message['result'] : null

export interface RpcError {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

export function errorOf(message: Message): RpcError | null {
  const { error } = message
  if (!isObject(error) || typeof error['code'] !== 'number') return null
  const text = typeof error['message'] === 'string' ? error['message'] : ''
  return { code: error['code'], message: text, ...('data' in error ? { data: error['data'] } : {}) }
}

export const request = (id: RequestId, method: string, params?: JsonObject): Message => ({
  jsonrpc: '2.0',
  id,
  method,
  ...(params === undefined ? {} : { params }),
})

export const notification = (method: string, params?: JsonObject): Message => ({
  jsonrpc: '2.0',
  method,
  ...(params === undefined ? {} : { params }),
})

export const result = (id: RequestId, value: JsonObject): Message => ({ jsonrpc: '2.0', id, result: value })

export const failure = (id: RequestId | null, error: RpcError): Message => ({ jsonrpc: '2.0', id, error })

/** Codes of the bridge's own, outside what JSON-RPC and MCP give a meaning. */
export const CODES = {
  parse: -32700,
  invalid: -32600,
  methodNotFound: -32601,
  internal: -32603,
  unsupportedVersion: -32022,
  /** A person has to run `gatehouse login`. */
  loginNeeded: -32010,
  /** The server or the issuer did not answer: later it may work. */
  unavailable: -32011,
  /** The server said no with a HTTP status and nothing more. */
  refused: -32012,
} as const
