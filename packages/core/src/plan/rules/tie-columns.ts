/**
 * By which columns rows can be told apart that come at one time and from one place: what `first`, `last`, `top` and `collect`
 * look at where the order of a source does not say which row is meant (engine/aggregates/ordered-values.ts).
 *
 * Rows of one source alone have none: their places differ. Rows that a window or a process step made differ in any column,
 * matches of a lookup join only in what was taken from the table; so a wide source need not be read whole for them.
 */
import type { LogicalNode, LogicalPlan } from '../logical.ts'
import { LATE_PORT, LATE_RIGHT_PORT, MAIN_PORT } from '../logical.ts'
import { countColumns } from './expressions.ts'

/** Column names by output: `port step`. Outputs that are not named have none. */
export function tieColumns(plan: LogicalPlan): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, ReadonlySet<string>>()
  for (const node of plan.nodes) {
    const inputs = node.inputs.map(({ step, port }) => found.get(`${port} ${step}`) ?? none)
    found.set(`${MAIN_PORT} ${node.step}`, tiesOf(node, inputs))
    for (const [port, { fields }] of Object.entries(node.sidePorts)) {
      const late = port === LATE_PORT ? inputs[0] : port === LATE_RIGHT_PORT ? inputs[1] : undefined
      found.set(`${port} ${node.step}`, late ?? new Set(fields.map(({ name }) => name)))
    }
  }
  return found
}

const none: ReadonlySet<string> = new Set()

function tiesOf(node: LogicalNode, inputs: readonly ReadonlySet<string>[]): ReadonlySet<string> {
  const [input = none] = inputs
  const all = (): ReadonlySet<string> => new Set(node.schema.fields.map(({ name }) => name))
  switch (node.kind) {
    case 'source':
      return none
    case 'transform': {
      const { outputs } = node
      if (outputs === undefined || input.size === 0) return input
      const differing = outputs.filter(({ expression }) =>
        [...countColumns([expression]).keys()].some((name) => input.has(name)),
      )
      return new Set(differing.map(({ name }) => name))
    }
    case 'row-function':
      if (node.shape === 'filter') return input
      // Several rows made of one are in the order in which they were made, unless something behind them makes ties.
      return node.shape === 'flat-map' || input.size > 0 ? all() : none
    case 'union':
      return new Set(inputs.flatMap((names) => [...names]))
    case 'key-by':
    case 'sink':
      return input
    case 'lookup-join':
      return new Set([...input, ...node.columns.map(({ name }) => name)])
    case 'window-aggregate':
    case 'partial-aggregate':
    case 'process':
    case 'interval-join':
      return all()
  }
}
