// Runs a logical plan row by row, with no rewriting and no engine: what a rewritten plan is compared with.
import { batchOfRows } from '../../src/data/index.ts'
import { evaluate } from '../../src/expr/index.ts'
import { inputSchema, nodesByStep } from '../../src/plan/index.ts'
import type {
  BuiltPlan,
  Expression,
  LogicalNode,
  LookupJoinNode,
  TransformNode,
  WindowAggregateNode,
} from '../../src/plan/index.ts'

/** A row as an object. */
export interface PlainRow {
  readonly [column: string]: unknown
}

/** The rows that each sink gets, from the rows of each source. Windows are global; aggregates are count, sum and max. */
export function interpret(
  { plan, bindings }: BuiltPlan,
  inputs: { readonly [source: string]: readonly PlainRow[] },
): { readonly [sink: string]: readonly PlainRow[] } {
  const nodes = nodesByStep(plan)
  const results = new Map<string, readonly PlainRow[]>()
  const sinks: { [sink: string]: readonly PlainRow[] } = {}
  for (const node of plan.nodes) {
    const read = node.inputs.map(({ step }) => results.get(step) ?? [])
    const rows = run(node, read, { nodes, functions: bindings.functions, source: inputs[node.step] ?? [] })
    results.set(node.step, rows)
    if (node.kind === 'sink') sinks[node.step] = rows
  }
  return sinks
}

interface Around {
  readonly nodes: ReadonlyMap<string, LogicalNode>
  readonly functions: ReadonlyMap<string, unknown>
  readonly source: readonly PlainRow[]
}

function run(node: LogicalNode, read: readonly (readonly PlainRow[])[], around: Around): readonly PlainRow[] {
  const input = read[0] ?? []
  switch (node.kind) {
    case 'source':
      return around.source.map((row) =>
        pick(
          row,
          node.schema.fields.map(({ name }) => name),
        ),
      )
    case 'transform':
      return transform(node, input, around)
    case 'row-function': {
      const fn = around.functions.get(node.functionId) as (row: PlainRow) => never
      if (node.shape === 'filter') return input.filter(fn)
      if (node.shape === 'flat-map') return input.flatMap((row) => [...(fn(row) as readonly PlainRow[])])
      const names = node.schema.fields.map(({ name }) => name)
      return input.map((row) =>
        node.adds === undefined ? fn(row) : pick({ ...row, ...(fn(row) as PlainRow) }, names),
      )
    }
    case 'union': {
      const names = node.schema.fields.map(({ name }) => name)
      // A branch that gives other columns than the union promises is a fault of the plan: it shows as undefined here.
      return read.flat().map((row) => (Object.keys(row).length === names.length ? pick(row, names) : row))
    }
    case 'key-by':
    case 'sink':
      return input
    case 'window-aggregate':
      return aggregate(node, input)
    case 'lookup-join':
      return join(node, input, read[1] ?? [])
    case 'process':
    case 'partial-aggregate':
    case 'interval-join':
      throw new Error(`${node.kind} steps are not interpreted`)
  }
}

function transform(node: TransformNode, rows: readonly PlainRow[], { nodes }: Around): readonly PlainRow[] {
  if (rows.length === 0) return []
  const schema = inputSchema(nodes, node)
  const batch = batchOfRows(schema, rows as readonly never[])
  const value = (expression: Expression, at: number): unknown => {
    const result = evaluate(expression, batch, at)
    return typeof result === 'bigint' ? Number(result) : result
  }
  const made: PlainRow[] = []
  rows.forEach((row, at) => {
    if (node.predicate !== undefined && value(node.predicate, at) !== true) return
    const { outputs } = node
    if (outputs === undefined) made.push(row)
    else made.push(Object.fromEntries(outputs.map(({ name, expression }) => [name, value(expression, at)])))
  })
  return made
}

function aggregate(node: WindowAggregateNode, rows: readonly PlainRow[]): readonly PlainRow[] {
  const groups = new Map<string, PlainRow[]>()
  for (const row of rows) {
    const key = JSON.stringify(node.keys.map((name) => row[name]))
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  return [...groups.values()].map((group) => {
    const results = node.aggregates.map(({ name, aggregate: kind, columns, filter }) => {
      const counted = filter === undefined ? group : group.filter((row) => row[filter] === true)
      const column = columns[0]
      const values = counted
        .map((row) => (column === undefined ? 1 : row[column]))
        .filter((one) => one !== null) as number[]
      if (kind === 'count') return [name, values.length]
      if (values.length === 0) return [name, null]
      return [name, kind === 'sum' ? values.reduce((a, b) => a + b, 0) : Math.max(...values)]
    })
    return { ...pick(group[0] ?? {}, node.keys), ...Object.fromEntries(results) }
  })
}

function join(
  node: LookupJoinNode,
  stream: readonly PlainRow[],
  table: readonly PlainRow[],
): readonly PlainRow[] {
  return stream.flatMap((row) => {
    const found = table.filter((other) =>
      node.on.every(({ left, right }) => row[left] !== null && row[left] === other[right]),
    )
    const taken = (other: PlainRow | undefined): PlainRow =>
      Object.fromEntries(node.columns.map(({ name, column }) => [name, other?.[column] ?? null]))
    if (found.length > 0) return found.map((other) => ({ ...row, ...taken(other) }))
    return node.join === 'left' ? [{ ...row, ...taken(undefined) }] : []
  })
}

function pick(row: PlainRow, names: readonly string[]): PlainRow {
  return Object.fromEntries(names.map((name) => [name, row[name]]))
}
