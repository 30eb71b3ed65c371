/**
 * Walks over bound expressions: which columns they read, replacing columns, mapping nodes.
 *
 * Folding constants and simplifying is simplify.ts.
 */
import type { Expression } from './expression.ts'

/** The names of the columns an expression reads, each once, in the order of first use. */
export function columnsOf(expression: Expression): string[] {
  const names = new Set<string>()
  visit(expression, (node) => {
    if (node.kind === 'column') names.add(node.name)
  })
  return [...names]
}

/** Calls `see` for every node, parents first. */
export function visit(expression: Expression, see: (node: Expression) => void): void {
  see(expression)
  for (const child of childrenOf(expression)) visit(child, see)
}

/** The direct parts of a node, in order of evaluation. */
export function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'column':
    case 'literal':
      return []
    case 'call':
      return expression.arguments
    case 'case':
      return [...expression.branches.flatMap(({ when, then }) => [when, then]), expression.otherwise]
  }
}

/** The same node over other parts (as many as `childrenOf` gave). */
function withChildren(expression: Expression, parts: readonly Expression[]): Expression {
  switch (expression.kind) {
    case 'column':
    case 'literal':
      return expression
    case 'call':
      return { ...expression, arguments: parts }
    case 'case':
      return {
        ...expression,
        branches: expression.branches.map((_, index) => ({
          when: parts[2 * index] as Expression,
          then: parts[2 * index + 1] as Expression,
        })),
        otherwise: parts.at(-1) as Expression,
      }
  }
}

/** Rebuilds an expression from its leaves up. */
export function transformUp(expression: Expression, change: (node: Expression) => Expression): Expression {
  const children = childrenOf(expression)
  const changed = children.map((child) => transformUp(child, change))
  const same = changed.every((child, index) => child === children[index])
  return change(same ? expression : withChildren(expression, changed))
}

/**
 * Replaces columns by expressions, by name: how a filter moves below a projection. Columns that the map lacks stay.
 *
 * @param replacements what stands for each column; it must have the column's type
 */
export function substitute(
  expression: Expression,
  replacements: ReadonlyMap<string, Expression>,
): Expression {
  return transformUp(expression, (node) =>
    node.kind === 'column' ? (replacements.get(node.name) ?? node) : node,
  )
}

/** The parts of a conjunction: rows pass when all are true. */
export function conjunctsOf(predicate: Expression): readonly Expression[] {
  if (predicate.kind === 'call' && predicate.name === 'and') return predicate.arguments.flatMap(conjunctsOf)
  return [predicate]
}
