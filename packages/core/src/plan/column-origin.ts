/**
 * What the columns of a plan are computed from: back through the steps, down to the columns of sources and to steps
 * whose results only their name tells (user functions, aggregations).
 *
 * Says the same before and after rewriting, since that moves and merges only what is looked through here; names of
 * columns and of steps in between do not show. Conditions do not show either: they choose rows, not values.
 *
 * An origin is a digest, so that a column used twice by each of many steps does not double with each. Rows that come
 * through a union may be made in several ways: an output has the set of these, which is the same whether an expression
 * stands in front of the union or behind it.
 */
import type { Expression } from '../expr/expression.ts'
import { digest } from './digest.ts'
import type { Input, IntervalJoinNode, LogicalNode, LookupJoinNode } from './logical.ts'
import { LATE_RIGHT_PORT, MAIN_PORT } from './logical.ts'
import { portSchema } from './plan-graph.ts'

/** One way in which rows are made: the origin of each column. */
type Way = ReadonlyMap<string, string>

/** Ways that are told apart at most; beyond, each column has the set of its own. */
const WAYS_MAX = 256

/** Steps whose side outputs give rows of their input as they came. */
const passesRows: ReadonlySet<LogicalNode['kind']> = new Set([
  'window-aggregate',
  'partial-aggregate',
  'interval-join',
])

/** Finds origins in one plan. */
export class ColumnOrigins {
  readonly #nodes: ReadonlyMap<string, LogicalNode>
  readonly #withTypes: boolean
  readonly #ways = new Map<string, readonly Way[]>()

  /** `withTypes` (default true): columns of other types are other columns, also when they hold the same values. */
  constructor(nodes: ReadonlyMap<string, LogicalNode>, options?: { readonly withTypes: boolean }) {
    this.#nodes = nodes
    this.#withTypes = options?.withTypes ?? true
  }

  /** The origins of a column of an output, one for each way its rows are made, in an order of their own. */
  of(output: Input, column: string): readonly string[] {
    return [...new Set(this.#waysOf(output).map((way) => originIn(way, column)))].toSorted()
  }

  #waysOf(output: Input): readonly Way[] {
    const id = JSON.stringify([output.step, output.port])
    let ways = this.#ways.get(id)
    if (ways === undefined) this.#ways.set(id, (ways = different(this.#find(output))))
    return ways
  }

  #find(output: Input): readonly Way[] {
    const node = this.#nodes.get(output.step)
    const input = node?.inputs[0]
    if (node === undefined) return []
    if (input === undefined) return [this.#ownColumns(node, output.port)]
    if (output.port !== MAIN_PORT) {
      // Late and raw rows are rows of the input as they came; other side outputs are made by the step.
      const isLateRight = node.kind === 'interval-join' && output.port === LATE_RIGHT_PORT
      if (isLateRight) return this.#waysOf(node.inputs[1] as Input)
      return passesRows.has(node.kind) ? this.#waysOf(input) : [this.#ownColumns(node, output.port)]
    }
    switch (node.kind) {
      case 'transform': {
        const { outputs } = node
        if (outputs === undefined) return this.#waysOf(input)
        return this.#waysOf(input).map(
          (way) =>
            new Map(outputs.map(({ name, expression }) => [name, this.#ofExpression(expression, way)])),
        )
      }
      case 'row-function': {
        if (node.shape === 'filter') return this.#waysOf(input)
        const own = this.#ownColumns(node, output.port)
        const { adds } = node
        if (adds === undefined) return [own]
        const added = [...own].filter(([name]) => adds.includes(name))
        return this.#waysOf(input).map((way) => new Map([...way, ...added]))
      }
      case 'key-by':
        return this.#waysOf(input)
      case 'union':
        return node.inputs.flatMap((one) => this.#waysOf(one))
      case 'lookup-join':
        return this.#joined(node)
      case 'interval-join':
        return this.#paired(node)
      case 'source':
      case 'window-aggregate':
      case 'partial-aggregate':
      case 'process':
      case 'sink':
        return [this.#ownColumns(node, output.port)]
    }
  }

  #joined({ inputs, columns, on }: LookupJoinNode): readonly Way[] {
    const [stream, table] = inputs as readonly [Input, Input]
    return this.#waysOf(stream).map((way) => {
      const pairs = on.map(({ left, right }) => [originIn(way, left), this.of(table, right)])
      const taken = columns.map(({ name, column }): [string, string] => [
        name,
        digest({ table: this.of(table, column), on: pairs }),
      ])
      return new Map([...way, ...taken])
    })
  }

  /** A column of a pair is the column of its side. */
  #paired({ inputs, columns }: IntervalJoinNode): readonly Way[] {
    const [left, right] = inputs as readonly [Input, Input]
    return this.#waysOf(left).flatMap((leftWay) =>
      this.#waysOf(right).map(
        (rightWay) =>
          new Map(
            columns.map(({ name, side, column }) => [
              name,
              originIn(side === 'left' ? leftWay : rightWay, column),
            ]),
          ),
      ),
    )
  }

  /** The columns of a step that nothing but its name describes. */
  #ownColumns(node: LogicalNode, port: string): Way {
    const fields = portSchema(node, port)?.fields ?? []
    return new Map(
      fields.map(({ name, type }) => [
        name,
        digest({ step: node.step, port, name, type: this.#withTypes ? type : undefined }),
      ]),
    )
  }

  #ofExpression(expression: Expression, way: Way): string {
    switch (expression.kind) {
      case 'column':
        return originIn(way, expression.name)
      case 'literal':
        return digest({
          literal: expression.value,
          type: this.#withTypes ? expression.type : undefined,
        })
      case 'call': {
        const { name, arguments: parts } = expression
        const type = this.#withTypes ? expression.type : undefined
        return digest({ call: name, type, of: parts.map((part) => this.#ofExpression(part, way)) })
      }
      case 'case': {
        const parts = expression.branches.flatMap(({ when, then }) => [when, then])
        return digest({
          case: [...parts, expression.otherwise].map((part) => this.#ofExpression(part, way)),
        })
      }
    }
  }
}

function originIn(way: Way, column: string): string {
  return way.get(column) ?? digest({ unknown: column })
}

/** Each way once. */
function different(ways: readonly Way[]): readonly Way[] {
  if (ways.length < 2) return ways
  const byContent = new Map(ways.map((way) => [digest(Object.fromEntries(way)), way]))
  if (byContent.size <= WAYS_MAX) return [...byContent.values()]
  const [first] = ways as [Way]
  return [
    new Map(
      [...first.keys()].map((column) => [
        column,
        digest([...new Set(ways.map((way) => originIn(way, column)))].toSorted()),
      ]),
    ),
  ]
}
