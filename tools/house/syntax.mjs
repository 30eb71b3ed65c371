// Syntax trees of TypeScript files for the house checks. TypeScript 7 has no API for this; oxc's parser does.
import { parseSync } from 'oxc-parser'

/**
 * A node of the tree, as loosely as the checks need it.
 *
 * @typedef {{ type: string, start: number, end: number, [key: string]: any }} SyntaxNode
 */

/**
 * @param {string} path - decides the language by its extension
 * @param {string} text
 * @returns {SyntaxNode}
 */
export function parseSource(path, text) {
  const { program, errors } = parseSync(path, text)
  const [error] = errors
  if (error !== undefined) throw new Error(`${path} does not parse: ${error.message}`)
  return /** @type {any} */ (program)
}

/**
 * Visits a node and everything under it, parents first.
 *
 * @param {SyntaxNode} node
 * @param {(node: SyntaxNode, parent: SyntaxNode | undefined, key: string) => boolean | void} visit - `false` skips what is below
 * @param {SyntaxNode} [parent]
 * @param {string} [key] - the parent's property that holds the node
 */
export function walkSyntax(node, visit, parent, key = '') {
  if (visit(node, parent, key) === false) return
  for (const [name, value] of Object.entries(node)) {
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) walkSyntax(item, visit, node, name)
    } else if (isNode(value)) {
      walkSyntax(value, visit, node, name)
    }
  }
}

/**
 * @param {string} text
 * @param {number} offset
 * @returns {number} counted from 1
 */
export function lineOf(text, offset) {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++
  return line
}

/**
 * @param {unknown} value
 * @returns {value is SyntaxNode}
 */
function isNode(value) {
  return typeof value === 'object' && value !== null && typeof (/** @type {any} */ (value).type) === 'string'
}
