/**
 * The meaning of steps that look at one row at a time: expressions, user functions, unions and what only names a key.
 */
import { isMillraceError, MillraceError } from '../../errors.ts'
import { evaluateWith } from '../../expr/evaluate.ts'
import type { Value } from '../../expr/value.ts'
import type { Expression } from '../../expr/index.ts'
import { MAIN_PORT, REJECTED_PORT } from '../../plan/index.ts'
import type { KeyByNode, RowFunctionNode, SinkNode, TransformNode, UnionNode } from '../../plan/logical.ts'
import type { Meaning } from './meaning.ts'
import { only } from './meaning.ts'
import type { Cells, OracleRow } from './relation.ts'
import { rejectedRow, rejectedRows } from './rejected.ts'
import { cellsOfRow, rowOfCells } from './values.ts'

/** Rows for which the predicate is true, each with the columns that are asked for. */
export const transform: Meaning<TransformNode> = (node, inputs) => {
  const { rows, hasTies } = only(inputs)
  const kept = rows.filter(
    ({ cells }) => node.predicate === undefined || value(node.predicate, cells) === true,
  )
  const { outputs } = node
  const made =
    outputs === undefined
      ? kept
      : kept.map((row): OracleRow => {
          const cells = outputs.map(({ name, expression }) => [name, value(expression, row.cells)] as const)
          return { ...row, cells: Object.fromEntries(cells) }
        })
  return { [MAIN_PORT]: { schema: node.schema, rows: made, hasTies } }
}

function value(expression: Expression, cells: Cells): Value {
  return evaluateWith(expression, (name) => cells[name] as Value)
}

/** What a user function makes of each row; rows for which it throws fail the run, or are rejected. */
export const rowFunction: Meaning<RowFunctionNode> = (node, inputs, { functions }) => {
  const { schema, rows, hasTies } = only(inputs)
  const fn = functions.get(node.functionId) as (row: object) => unknown
  const made: OracleRow[] = []
  const rejected: OracleRow[] = []
  for (const row of rows) {
    try {
      const answer = fn(rowOfCells(schema, row.cells))
      for (const cells of cellsOfAnswer(node, row.cells, answer)) made.push({ ...row, cells })
    } catch (error) {
      const code = isMillraceError(error) ? 'step/invalid-row' : 'step/function-failed'
      if (node.onError === 'fail') throw new MillraceError(code, { what: String(error), step: node.step })
      rejected.push(rejectedRow(code))
    }
  }
  return {
    [MAIN_PORT]: { schema: node.schema, rows: made, hasTies },
    [REJECTED_PORT]: rejectedRows(rejected),
  }
}

function cellsOfAnswer(node: RowFunctionNode, cells: Cells, answer: unknown): readonly Cells[] {
  switch (node.shape) {
    case 'filter':
      return answer === true ? [cells] : []
    case 'flat-map':
      return [...(answer as Iterable<object>)].map((one) => cellsOfRow(node.schema, one))
    case 'map': {
      const { adds } = node
      if (adds === undefined) return [cellsOfRow(node.schema, answer as object)]
      const fields = node.schema.fields.filter(({ name }) => adds.includes(name))
      return [{ ...cells, ...cellsOfRow({ fields }, answer as object) }]
    }
  }
}

/** The rows of all inputs, in no order between them. */
export const union: Meaning<UnionNode> = (node, inputs) => ({
  [MAIN_PORT]: {
    schema: node.schema,
    rows: inputs.flatMap(({ rows }) => rows),
    hasTies: inputs.some(({ hasTies }) => hasTies),
  },
})

/** A key says where rows meet, and changes none. */
export const keyBy: Meaning<KeyByNode> = (_, inputs) => ({ [MAIN_PORT]: only(inputs) })

/** What a sink gets. */
export const sink: Meaning<SinkNode> = (_, inputs) => ({ [MAIN_PORT]: only(inputs) })
