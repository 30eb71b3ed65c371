/**
 * Aggregations begin in front of their exchange, so that few accumulators cross it instead of many rows.
 *
 *     rows -> key-by -> aggregate        becomes        rows -> partial -> key-by ----> aggregate
 *                                                                     \--> key-by' --/
 *
 * The partial aggregate groups rows per key and pane and sends accumulators (to key-by'); rows that it does not group
 * go the way they always went. Which rows are late is decided behind the exchange, and by the same watermark: see
 * engine/window/partial-aggregate.ts for why. The rule keeps its hands off where that would not hold or not pay:
 *  - some aggregate's accumulator has no columns (accumulator-columns.ts), or needs the order of rows;
 *  - the windows are sessions, whose extent depends on all rows of a key;
 *  - late rows are kept (`.late` is read) or taken (allowed lateness): they are needed one by one;
 *  - somebody else reads the key-by;
 *  - no row would change tasks.
 */
import { accumulatorSchema } from '../accumulator-columns.ts'
import type {
  KeyByNode,
  LogicalNode,
  LogicalPlan,
  PartialAggregateNode,
  WindowAggregateNode,
} from '../logical.ts'
import { LATE_PORT, MAIN_PORT, RAW_PORT } from '../logical.ts'
import { inputSchema, nodesByStep, readersByStep } from '../plan-graph.ts'
import type { Reader } from '../plan-graph.ts'
import { editPlan, mainOf } from './rule.ts'
import type { RewriteRule } from './rule.ts'

/** The rule for a layout; `crossesTasks` says whether rows change tasks in front of a step. */
export function aggregateBeforeExchange(crossesTasks: (step: string) => boolean): RewriteRule {
  return {
    name: 'aggregate-before-exchange',
    apply(plan: LogicalPlan): LogicalPlan {
      const nodes = nodesByStep(plan)
      const readers = readersByStep(plan)
      let rewritten = plan
      for (const node of plan.nodes) {
        if (node.kind !== 'window-aggregate') continue
        const split = splitOf(node, { nodes, readers, crossesTasks })
        if (split !== undefined) rewritten = editPlan(rewritten, split)
      }
      return rewritten
    },
  }
}

interface Surroundings {
  readonly nodes: ReadonlyMap<string, LogicalNode>
  readonly readers: ReadonlyMap<string, readonly Reader[]>
  readonly crossesTasks: (step: string) => boolean
}

/** The two halves of an aggregation, as an edit of the plan; undefined where it stays whole. */
function splitOf(
  node: WindowAggregateNode,
  around: Surroundings,
): { replace: Map<string, LogicalNode>; add: LogicalNode[] } | undefined {
  const { nodes, readers, crossesTasks } = around
  const [source] = node.inputs
  if (source === undefined || node.inputs.length > 1 || node.allowedLatenessMs > 0) return undefined
  if (node.window.kind === 'session') return undefined
  if (readers.get(node.step)?.some(({ port }) => port === LATE_PORT) === true) return undefined
  const keyBy = keyByOf(node, nodes)
  if (node.keys.length > 0 && (keyBy === undefined || readers.get(keyBy.step)?.length !== 1)) return undefined
  if (!crossesTasks(keyBy?.step ?? node.step)) return undefined
  const input = inputSchema(nodes, node)
  const schema = accumulatorSchema(input, node.keys, node.aggregates)
  const step = `${node.step}/partial`
  const keyStep = `${step}/key`
  if (schema === undefined || nodes.has(step) || nodes.has(keyStep)) return undefined
  const partial: PartialAggregateNode = {
    kind: 'partial-aggregate',
    step,
    inputs: [keyBy?.inputs[0] ?? source],
    schema,
    sidePorts: { [RAW_PORT]: input },
    keys: node.keys,
    window: node.window,
    aggregates: node.aggregates,
  }
  const raw = { step, port: RAW_PORT }
  if (keyBy === undefined) {
    return { replace: new Map([[node.step, { ...node, inputs: [raw, mainOf(step)] }]]), add: [partial] }
  }
  const key: KeyByNode = {
    kind: 'key-by',
    step: keyStep,
    inputs: [mainOf(step)],
    schema,
    sidePorts: {},
    keys: keyBy.keys,
  }
  return {
    replace: new Map<string, LogicalNode>([
      [keyBy.step, { ...keyBy, inputs: [raw] }],
      [node.step, { ...node, inputs: [source, mainOf(keyStep)] }],
    ]),
    add: [partial, key],
  }
}

/** The key-by that the aggregation reads directly, if it groups by the same keys. */
function keyByOf(node: WindowAggregateNode, nodes: ReadonlyMap<string, LogicalNode>): KeyByNode | undefined {
  const input = node.inputs[0]
  const before = input?.port === MAIN_PORT ? nodes.get(input.step) : undefined
  const isKey =
    before?.kind === 'key-by' &&
    before.keys.length === node.keys.length &&
    before.keys.every((key) => node.keys.includes(key))
  return isKey && node.keys.length > 0 ? before : undefined
}
