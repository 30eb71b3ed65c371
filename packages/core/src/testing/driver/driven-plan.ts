/**
 * The pipeline as it is driven: its plan with other sources and sinks, and sinks behind the outputs that a test watches.
 *
 * Steps, schemas, strategies and functions stay what they are. A watched output is read by one sink more: rules of planning
 * that need an output to have one reader, or nobody to read late rows, do not apply to it.
 */
import type { ChangeSupport } from '../../connect/sink.ts'
import { nodesByStep, portSchema, tableSources } from '../../plan/plan-graph.ts'
import { MAIN_PORT } from '../../plan/logical.ts'
import type { BuiltPlan, LogicalNode, SinkNode, SourceNode } from '../../plan/logical.ts'
import { drivenSink, SinkRecord } from './driven-sink.ts'
import type { CrashGate } from './driven-sink.ts'
import { drivenSource } from './driven-source.ts'
import { Partition } from './input-log.ts'
import type { InputLog } from './input-log.ts'
import { notPossible, unknownName } from './test-errors.ts'

/** A source of the pipeline, as it is driven. */
export interface DrivenInput {
  readonly node: SourceNode
  readonly partitions: readonly Partition[]
  /** It is the table of a lookup join: read whole before everything else. */
  readonly isTable: boolean
}

/** What a test holds over all runs: rows that were sent, and rows that came. */
export interface DrivenEnds {
  readonly log: InputLog
  readonly inputs: Map<string, DrivenInput>
  /** By the step of the sink. */
  readonly records: Map<string, SinkRecord>
  /** By watched output: `hourly`, `hourly.late`. */
  readonly watched: Map<string, SinkRecord>
  readonly gate: CrashGate
}

/** How many partitions sources have: all, or by name; 1 where nothing is said. */
export type PartitionCounts = number | { readonly [source: string]: number }

/** What of a pipeline is driven how. */
export interface DrivenPlanOptions {
  readonly partitions: PartitionCounts
  readonly watch: readonly string[]
}

/** The plan to run. Keeps what the ends hold already of sources and sinks of the same name. */
export function drivenPlan(built: BuiltPlan, ends: DrivenEnds, options: DrivenPlanOptions): BuiltPlan {
  const { plan, bindings } = built
  const tables = tableSources(plan)
  const sources = new Map(bindings.sources)
  const sinks = new Map(bindings.sinks)
  checkCounts(plan.nodes, options.partitions)
  for (const node of plan.nodes) {
    if (node.kind === 'source') {
      const original = bindings.sources.get(node.step)
      if (original === undefined) continue
      const partitions =
        ends.inputs.get(node.step)?.partitions ?? newPartitions(node.step, options.partitions)
      ends.log.add(partitions)
      ends.inputs.set(node.step, { node, partitions, isTable: tables.has(node.step) })
      sources.set(node.step, drivenSource(original, node.schema, partitions))
    }
    if (node.kind === 'sink') {
      const original = bindings.sinks.get(node.step)
      if (original === undefined) continue
      const record = recordOf(ends.records, node, { name: node.step, accepts: original.accepts })
      sinks.set(node.step, drivenSink(original, record, ends.gate))
    }
  }
  const watchers = watchersOf(plan.nodes, options.watch)
  for (const { name, node } of watchers) {
    const record = recordOf(ends.watched, node, { name, accepts: 'retract' })
    sinks.set(node.step, drivenSink({ description: node.sink, accepts: 'retract' }, record, ends.gate))
  }
  const nodes = [...plan.nodes, ...watchers.map(({ node }) => node)]
  return { plan: { ...plan, nodes }, bindings: { ...bindings, sources, sinks } }
}

function newPartitions(step: string, counts: PartitionCounts): readonly Partition[] {
  const count = typeof counts === 'number' ? counts : Object.hasOwn(counts, step) ? counts[step] : 1
  if (!Number.isInteger(count) || count === undefined || count < 1 || count > 1024)
    throw notPossible(
      `source "${step}" cannot have ${String(count)} partitions`,
      'give a whole number from 1 to 1024',
    )
  return Array.from({ length: count }, () => new Partition())
}

function checkCounts(nodes: readonly LogicalNode[], counts: PartitionCounts): void {
  if (typeof counts === 'number') return
  const sources = nodes.filter(({ kind }) => kind === 'source').map(({ step }) => step)
  const unknown = Object.keys(counts).find((name) => !sources.includes(name))
  if (unknown !== undefined) throw unknownName('source', unknown, sources)
}

function recordOf(
  records: Map<string, SinkRecord>,
  node: SinkNode,
  { name, accepts }: { readonly name: string; readonly accepts: ChangeSupport },
): SinkRecord {
  const record = records.get(name) ?? new SinkRecord(node.schema, accepts !== 'append')
  record.schema = node.schema
  records.set(name, record)
  return record
}

/** A sink behind each output of the steps that are watched: its rows, and those it puts aside. */
function watchersOf(
  nodes: readonly LogicalNode[],
  watch: readonly string[],
): readonly { readonly name: string; readonly node: SinkNode }[] {
  const byStep = nodesByStep({ name: '', nodes })
  return [...new Set(watch)].flatMap((step) => {
    const watched = byStep.get(step)
    if (watched === undefined || watched.kind === 'sink') {
      const names = nodes.filter(({ kind }) => kind !== 'sink').map((node) => node.step)
      throw unknownName('step', step, names)
    }
    return [MAIN_PORT, ...Object.keys(watched.sidePorts)].map((port) => {
      const name = port === MAIN_PORT ? step : `${step}.${port}`
      const node: SinkNode = {
        kind: 'sink',
        step: `${step}.${port} (watched)`,
        schema: portSchema(watched, port) ?? watched.schema,
        inputs: [{ step, port }],
        sidePorts: {},
        sink: { connector: 'watched', options: {} },
      }
      return { name, node }
    })
  })
}
