/**
 * Leaves out text that only operators read and that no decision hangs on: the `detail` of an error, and the words of a log line.
 * Everything else is mutated: codes, SQL, header values, and the problems that a ConfigError names.
 */
const isText = (node) => ['StringLiteral', 'TemplateLiteral', 'BinaryExpression'].includes(node?.type)
const isDetail = (property) => property?.type === 'ObjectProperty' && property.key.name === 'detail'
const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal', 'trace']

const ignorer = {
  shouldIgnore({ node, parent }) {
    if (isDetail(parent) && parent.value === node && isText(node)) return 'detail of an error'
    if (node.type === 'ObjectExpression' && node.properties.length === 1 && isDetail(node.properties[0]))
      return 'detail of an error'
    const callee = parent?.type === 'CallExpression' && parent.arguments.includes(node) ? parent.callee : null
    if (callee?.type === 'MemberExpression' && LEVELS.includes(callee.property.name) && isText(node))
      return 'words of a log line'
    return undefined
  },
}

export const strykerPlugins = [{ kind: 'Ignore', name: 'operator-text', value: ignorer }]
