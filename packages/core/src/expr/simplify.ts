/**
 * Makes bound expressions smaller without changing any value or error: constants folded, logic flattened.
 *
 * A constant part that fails (1 / 0) stays as it is: it may stand where it is never reached.
 */
import { isMillraceError } from '../errors.ts'
import { literal } from './coerce.ts'
import { evaluateWith } from './evaluate.ts'
import type { CallExpression, CaseExpression, Expression, LiteralExpression } from './expression.ts'
import { transformUp } from './rewrite.ts'
import { booleanType } from './types.ts'

/** The simplified expression; its type is the same, its nullability the same or less. */
export function simplify(expression: Expression): Expression {
  return transformUp(expression, (node) => {
    if (node.kind === 'call') return fold(simplifyCall(node))
    return node.kind === 'case' ? simplifyCase(node) : node
  })
}

/** Computes a node whose parts are all constant. */
function fold(node: Expression): Expression {
  if (node.kind !== 'call' || !node.arguments.every((part) => part.kind === 'literal')) return node
  try {
    return literal(
      node.type,
      evaluateWith(node, () => null),
    )
  } catch (error) {
    if (isMillraceError(error)) return node
    throw error
  }
}

function simplifyCall(node: CallExpression): Expression {
  switch (node.name) {
    case 'and':
    case 'or':
      return simplifyConnective(node, node.name)
    case 'not':
      return simplifyNot(node)
    case 'coalesce':
      return simplifyCoalesce(node)
    case 'is_null':
    case 'is_not_null':
      return node.arguments[0]?.nullable === false && cannotFail(node.arguments[0])
        ? truth(node.name === 'is_not_null')
        : node
    default:
      return node
  }
}

function truth(value: boolean): LiteralExpression {
  return literal(booleanType, value)
}

function isTruth(node: Expression, value: boolean): boolean {
  return node.kind === 'literal' && node.value === value && node.type.kind === 'boolean'
}

/** Columns and constants have a value whatever they are. */
function cannotFail(node: Expression): boolean {
  return node.kind === 'column' || node.kind === 'literal'
}

/** Drops neutral parts; what stands behind a deciding part is never reached. */
function simplifyConnective(node: CallExpression, name: 'and' | 'or'): Expression {
  const decisive = name === 'or'
  const flat = node.arguments.flatMap((part) =>
    part.kind === 'call' && part.name === name ? part.arguments : [part],
  )
  const parts: Expression[] = []
  for (const part of flat) {
    if (isTruth(part, !decisive)) continue
    parts.push(part)
    if (isTruth(part, decisive)) break
  }
  const [first] = parts
  if (first === undefined) return truth(!decisive)
  if (parts.length === 1) return first
  if (isTruth(parts.at(-1) as Expression, decisive) && parts.slice(0, -1).every(cannotFail))
    return truth(decisive)
  return { ...node, arguments: parts, nullable: parts.some((part) => part.nullable) }
}

const opposites: { readonly [name: string]: string } = {
  '=': '<>', '<>': '=', '<': '>=', '<=': '>', '>': '<=', '>=': '<', is_null: 'is_not_null', is_not_null: 'is_null',
  is_distinct_from: 'is_not_distinct_from', is_not_distinct_from: 'is_distinct_from',
} // prettier-ignore

/** The order of values is total (NaN has its place), so every comparison has an opposite. */
function simplifyNot(node: CallExpression): Expression {
  const [part] = node.arguments as [Expression]
  if (part.kind !== 'call') return node
  if (part.name === 'not') return part.arguments[0] as Expression
  const opposite = opposites[part.name]
  return opposite === undefined ? node : { ...part, name: opposite }
}

function simplifyCoalesce(node: CallExpression): Expression {
  const parts: Expression[] = []
  for (const part of node.arguments) {
    if (part.kind === 'literal' && part.value === null) continue
    parts.push(part)
    if (!part.nullable) break
  }
  const [first] = parts
  if (first === undefined) return { kind: 'literal', type: node.type, nullable: true, value: null }
  if (parts.length === 1) return first
  return { ...node, arguments: parts, nullable: parts.every((part) => part.nullable) }
}

function simplifyCase(node: CaseExpression): Expression {
  const branches: { when: Expression; then: Expression }[] = []
  let { otherwise } = node
  for (const branch of node.branches) {
    if (isTruth(branch.when, false) || (branch.when.kind === 'literal' && branch.when.value === null))
      continue
    if (isTruth(branch.when, true)) {
      otherwise = branch.then
      break
    }
    branches.push(branch)
  }
  if (branches.length === 0) return otherwise
  const nullable = otherwise.nullable || branches.some(({ then }) => then.nullable)
  return { ...node, branches, otherwise, nullable }
}
