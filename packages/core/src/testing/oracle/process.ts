/**
 * The meaning of a step with a user's functions, state and timers: per key, rows and timers by time.
 *
 * What the order of rows within the watermark may be is left open by the engine's promise; here it is the order of event
 * time. So it is the meaning of functions that do not depend on it.
 */
import { fieldOf } from '../../data/index.ts'
import { MAIN_PORT } from '../../plan/index.ts'
import type { ProcessNode } from '../../plan/logical.ts'
import type { FiredTimer } from '../../sdk/process.ts'
import type { Meaning } from './meaning.ts'
import { only } from './meaning.ts'
import { plainState } from './process-state.ts'
import type { OracleRow, Relation } from './relation.ts'
import { cellsOfRow, groupsByKey, rowOfCells } from './values.ts'

interface Functions {
  onRow(row: object, context: object): void
  onTimer?(context: object, timer: FiredTimer): void
}

/** Each key by itself. */
export const process: Meaning<ProcessNode> = (node, inputs, { functions, horizon }) => {
  const input = only(inputs)
  const emitted = new Map<string, OracleRow[]>(
    [MAIN_PORT, ...Object.keys(node.sidePorts)].map((port) => [port, []]),
  )
  for (const rows of groupsByKey(input.rows, node.keys)) {
    const calls = new KeyCalls(node, input, functions.get(node.functionId) as Functions, emitted)
    calls.run(
      rows.toSorted((left, right) => (left.eventTime ?? 0) - (right.eventTime ?? 0)),
      horizon,
    )
  }
  return Object.fromEntries(
    [...emitted].map(([port, rows]): [string, Relation] => [
      port,
      { schema: node.sidePorts[port] ?? node.schema, rows, hasTies: true },
    ]),
  )
}

/** The calls for one key. */
class KeyCalls {
  readonly #node: ProcessNode
  readonly #input: Relation
  readonly #functions: Functions
  readonly #emitted: ReadonlyMap<string, OracleRow[]>
  readonly #state: object
  /** Times by name. */
  readonly #timers = new Map<string, number>()
  #watermark = -Infinity

  constructor(
    node: ProcessNode,
    input: Relation,
    functions: Functions,
    emitted: ReadonlyMap<string, OracleRow[]>,
  ) {
    this.#node = node
    this.#input = input
    this.#functions = functions
    this.#emitted = emitted
    this.#state = plainState(node.state)
  }

  run(rows: readonly OracleRow[], horizon: number): void {
    for (const row of rows) {
      if (row.eventTime !== undefined) this.#fireUpTo(Math.min(row.eventTime, horizon), row)
      const key = this.#keyOf(row)
      this.#functions.onRow(
        rowOfCells(this.#input.schema, row.cells),
        this.#context(key, row.eventTime, row.watermark),
      )
    }
    const last = rows.at(-1)
    if (last !== undefined) this.#fireUpTo(horizon, last)
  }

  /** Fires timers in the order of their times; what they set meanwhile takes its turn. */
  #fireUpTo(time: number, row: OracleRow): void {
    this.#watermark = time
    for (;;) {
      const due = [...this.#timers].filter(([, at]) => at <= time).toSorted((a, b) => a[1] - b[1])[0]
      if (due === undefined) return
      const [name, at] = due
      this.#timers.delete(name)
      this.#functions.onTimer?.(this.#context(this.#keyOf(row), at, -Infinity), { name, time: at })
    }
  }

  #keyOf({ cells }: OracleRow): object {
    const fields = this.#node.keys.map((name) => fieldOf(this.#input.schema, name))
    return rowOfCells({ fields }, cells)
  }

  #context(key: object, eventTime: number | undefined, watermark: number): object {
    const emitTo = (port: string, row: object): void => {
      const schema = this.#node.sidePorts[port] ?? this.#node.schema
      const cells = cellsOfRow(schema, row)
      this.#emitted.get(port)?.push({ cells, eventTime, weight: 1, order: undefined, watermark })
    }
    return {
      key,
      state: this.#state,
      eventTime,
      watermark: this.#watermark,
      emit: (row: object) => emitTo(MAIN_PORT, row),
      emitTo,
      setTimer: (name: string, time: number) => this.#timers.set(name, time),
      deleteTimer: (name: string) => this.#timers.delete(name),
    }
  }
}
