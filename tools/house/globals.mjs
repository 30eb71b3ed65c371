// Law L4: the engine reaches time, randomness, files, network and threads only through `host`.
// Finds uses of the banned globals in a source file, in generated code (strings) as well.
// Types are free: a parameter of type `Date` reads no clock.
import { lineOf, parseSource, walkSyntax } from './syntax.mjs'

/** @typedef {import('./syntax.mjs').SyntaxNode} SyntaxNode */

const bannedGlobals = new Set(
  (
    'Date performance setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate queueMicrotask ' +
    'process fetch crypto console globalThis global Worker MessageChannel BroadcastChannel WebSocket EventSource ' +
    'XMLHttpRequest navigator require'
  ).split(' '),
)

const bannedMembers = new Set(['Math.random', 'Temporal.Now'])

/** In strings that become code: only shapes that cannot be prose. */
const bannedInStrings =
  /\b(Math\.random|Date\.now|performance\.now|process\.(?:env|exit|argv|nextTick|hrtime|memoryUsage|cwd|pid|on|stdout|stderr)\b|globalThis\.[a-z]+|setTimeout\(|setInterval\(|setImmediate\(|queueMicrotask\(|new Date\()/

/**
 * @param {string} path
 * @returns {boolean} whether law L4 holds for the file
 */
export function isUnderLawL4(path) {
  return path.startsWith('packages/core/src/') && !path.startsWith('packages/core/src/host/node/')
}

/**
 * @param {string} path
 * @param {string} text
 * @returns {string[]} one sentence for each use; empty when the file keeps the law
 */
export function bannedUses(path, text) {
  const program = parseSource(path, text)
  const local = localNames(program)
  /** @type {string[]} */
  const uses = []
  /** @param {SyntaxNode} node @param {string} name */
  const report = (node, name) => {
    uses.push(`${path}:${lineOf(text, node.start)}: ${name} is reached through host only (law L4)`)
  }
  walkSyntax(program, (node, parent, key) => {
    if (typeNodes.test(node.type)) return false
    const name = bannedName(node, parent, key)
    if (name !== undefined && !local.has(name)) report(node, name)
    return undefined
  })
  return uses
}

/**
 * @param {SyntaxNode} node
 * @param {SyntaxNode | undefined} parent
 * @param {string} key
 * @returns {string | undefined}
 */
function bannedName(node, parent, key) {
  if (node.type === 'Identifier') {
    const isUse = bannedGlobals.has(node['name']) && !isPropertyName(parent, key)
    return isUse ? node['name'] : undefined
  }
  if (node.type === 'MemberExpression') {
    const name = `${node['object'].name}.${node['property'].name ?? node['property'].value}`
    return bannedMembers.has(name) ? name : undefined
  }
  if (node.type === 'VariableDeclarator' && node['id'].type === 'ObjectPattern') {
    return node['init']?.name === 'Math' ? 'Math (taken apart)' : undefined
  }
  // The path of an import is no code.
  if (key === 'source') return undefined
  const string = node.type === 'Literal' ? node['value'] : node['value']?.cooked
  if ((node.type === 'Literal' || node.type === 'TemplateElement') && typeof string === 'string') {
    return bannedInStrings.exec(string)?.[0]
  }
  return undefined
}

const typeNodes =
  /^TS(TypeAnnotation|TypeParameterInstantiation|TypeParameterDeclaration|TypeAliasDeclaration|InterfaceDeclaration|TypeReference|TypeQuery|ImportType|ClassImplements|UnionType|IntersectionType|ArrayType|FunctionType)$/

/**
 * A name after a dot or before a colon: no use of the global.
 *
 * @param {SyntaxNode | undefined} parent
 * @param {string} key
 */
function isPropertyName(parent, key) {
  if (parent === undefined || parent['computed'] === true) return false
  if (parent.type === 'MemberExpression') return key === 'property'
  if (parent.type === 'ImportSpecifier') return key === 'imported'
  if (parent.type === 'ExportSpecifier') return key === 'exported'
  return key === 'key'
}

/**
 * Names that the file itself declares, anywhere: they hide the global. Coarser than scopes, and enough: whoever
 * names a parameter `process` does not mean Node's.
 *
 * @param {SyntaxNode} program
 */
function localNames(program) {
  /** @type {Set<string>} */
  const names = new Set()
  walkSyntax(program, (node) => {
    if (typeNodes.test(node.type)) return false
    const declared = [
      ...(node.type === 'VariableDeclarator' ? [node['id']] : []),
      ...(/Function|^Class/.test(node.type) ? [node['id'], ...(node['params'] ?? [])] : []),
      ...(/^Import.*Specifier$/.test(node.type) ? [node['local']] : []),
    ]
    for (const target of declared) collectNames(target, names)
    return undefined
  })
  return names
}

/**
 * @param {SyntaxNode | null | undefined} target - a name or a pattern
 * @param {Set<string>} names
 */
function collectNames(target, names) {
  if (target === null || target === undefined) return
  if (target.type === 'Identifier') names.add(target['name'])
  else if (target.type === 'AssignmentPattern') collectNames(target['left'], names)
  else if (target.type === 'RestElement') collectNames(target['argument'], names)
  else if (target.type === 'ArrayPattern') for (const item of target['elements']) collectNames(item, names)
  else if (target.type === 'ObjectPattern') {
    for (const property of target['properties']) collectNames(property.value ?? property.argument, names)
  }
}
