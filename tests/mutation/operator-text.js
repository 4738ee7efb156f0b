/**
 * Leaves out text that only operators read and that no decision hangs on: the `detail` of an error, the words of a log line, why someone
 * was denied, and the message of an error whose class or code says what it is.
 * Everything else is mutated: codes, SQL, header values, and the problems that a ConfigError names.
 */
const isText = (node) => ['StringLiteral', 'TemplateLiteral', 'BinaryExpression'].includes(node?.type)
const isDetail = (property) => property?.type === 'ObjectProperty' && property.key.name === 'detail'
/** Errors, and which of their arguments is the message. */
const MESSAGES = { Error: 0, TypeError: 0, RangeError: 0, RegistryError: 1 }
Object.assign(MESSAGES, { DatabaseUnavailable: 0, TenantFenced: 0, TenantBusy: 0, StatementTimeout: 0 })
/** Functions that make such an error, and which of their arguments ends in its detail. */
const DETAILS = { deny: 1, invalid: 0, malformed: 0, misunderstood: 0, objectOf: 1, readObject: 1 }
const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal', 'trace']

const ignorer = {
  shouldIgnore({ node, parent }) {
    if (isDetail(parent) && parent.value === node && isText(node)) return 'detail of an error'
    if (node.type === 'ObjectExpression' && node.properties.length === 1 && isDetail(node.properties[0]))
      return 'detail of an error'
    const callee = parent?.type === 'CallExpression' && parent.arguments.includes(node) ? parent.callee : null
    if (callee?.type === 'MemberExpression' && LEVELS.includes(callee.property.name) && isText(node))
      return 'words of a log line'
    if (callee?.type === 'Identifier' && parent.arguments[DETAILS[callee.name]] === node && isText(node))
      return 'detail of an error'
    if (parent?.type === 'NewExpression' && parent.arguments[MESSAGES[parent.callee.name]] === node && isText(node))
      return 'message of an error'
    return undefined
  },
}

export const strykerPlugins = [{ kind: 'Ignore', name: 'operator-text', value: ignorer }]
