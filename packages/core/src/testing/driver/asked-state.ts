/** Whether a test asks for state that there can be: a step that keeps some, columns that it has, values that a key can be. */
import { batchOfRows } from '../../data/batch-builder.ts'
import type { Field, Schema } from '../../data/type.ts'
import { isMillraceError, MillraceError } from '../../errors.ts'
import type { LogicalNode } from '../../plan/logical.ts'
import { inputSchema } from '../../plan/plan-graph.ts'
import type { StateRow, StateTable } from '../../runtime/state-tables.ts'
import { notPossible, unknownColumn } from './test-errors.ts'

const stateless: ReadonlySet<LogicalNode['kind']> = new Set([
  'transform',
  'row-function',
  'union',
  'key-by',
  'sink',
])

/** Throws `test/not-possible` for a step that never keeps anything. */
export function checkKeeps({ step, kind }: LogicalNode): void {
  if (!stateless.has(kind)) return
  throw notPossible(
    `step "${step}" keeps no state`,
    'ask a window, a join or a process step, by its own name',
    step,
  )
}

/** Throws `test/not-possible` for a step that sets no timers. */
export function checkSetsTimers({ step, kind }: LogicalNode): void {
  if (kind === 'process') return
  throw notPossible(`step "${step}" sets no timers`, 'only process steps do', step)
}

/**
 * Throws for columns that rows of the step do not have, and for values that its keys cannot be.
 *
 * @throws MillraceError `test/unknown-name`, `value/invalid`.
 */
export function checkWanted(
  wanted: StateRow,
  {
    node,
    nodes,
    tables,
    keysOnly,
  }: {
    readonly node: LogicalNode
    readonly nodes: readonly LogicalNode[]
    readonly tables: readonly StateTable[]
    readonly keysOnly: boolean
  },
): void {
  const keys = keysOf(node, nodes)
  const names = keysOnly ? keys.map(({ name }) => name) : columnsOf(node, keys, tables)
  for (const [name, value] of Object.entries(wanted)) {
    if (names !== undefined && !names.includes(name))
      throw unknownColumn(`what step "${node.step}" keeps`, name, names)
    const key = keys.find((field) => field.name === name)
    if (key !== undefined) checkValue(key, value, node.step)
  }
}

function keysOf(node: LogicalNode, nodes: readonly LogicalNode[]): readonly Field[] {
  if (node.kind !== 'process' && node.kind !== 'window-aggregate') return []
  const { fields } = inputSchema(new Map(nodes.map((one) => [one.step, one])), node)
  return node.keys.flatMap((name) => fields.filter((field) => field.name === name))
}

/** Undefined: only its tables tell, and there are none yet. */
function columnsOf(
  node: LogicalNode,
  keys: readonly Field[],
  tables: readonly StateTable[],
): readonly string[] | undefined {
  const keyNames = keys.map(({ name }) => name)
  if (node.kind === 'process')
    return [
      ...keyNames,
      ...node.state.flatMap(({ name }) => (keyNames.includes(name) ? [`${name} (state)`] : [name])),
    ]
  const columns = tables
    .filter(({ table }) => table !== 'progress')
    .flatMap(({ schema }) => schema.fields.map(({ name }) => name))
  return columns.length === 0 ? undefined : [...new Set([...keyNames, ...columns])]
}

function checkValue(field: Field, value: unknown, step: string): void {
  try {
    const schema: Schema<object> = { fields: [field] } as Schema<object>
    batchOfRows(schema, [{ [field.name]: value }])
  } catch (cause) {
    if (!isMillraceError(cause)) throw cause
    const { code, what, detail } = cause
    const hint = 'ask with a value as rows have it; times are milliseconds since 1970'
    throw new MillraceError(code, { what, detail, hint, step, cause })
  }
}
