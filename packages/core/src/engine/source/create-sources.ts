/**
 * From plan nodes to source steps: what each source of a plan has to know of the plan around it.
 *
 * The counterpart of create-operator.ts. A source that cannot be read as the plan wants is refused here.
 */
import type { Boundedness, Source } from '../../connect/source.ts'
import { assert, MillraceError } from '../../errors.ts'
import type { LogicalPlan, SourceNode } from '../../plan/logical.ts'
import { MAIN_PORT } from '../../plan/logical.ts'
import type { Stage } from '../../plan/physical.ts'
import { ancestorsOf, breaksTies, tableSources } from '../../plan/plan-graph.ts'
import type { ExecutionEvents, ExecutionOptions } from '../execution.ts'
import { portOf } from '../output-port.ts'
import type { OutputPort, Receiver } from '../output-port.ts'
import { SourceStep } from './source-step.ts'

/** The outputs of a step in a task. */
type PortsOf = (step: string, task: number) => Map<string, OutputPort>

/** Makes the sources of these stages, in plan order. */
export function createSources(
  stages: readonly Stage[],
  options: ExecutionOptions,
  { portsOf, events }: { readonly portsOf: PortsOf; readonly events: ExecutionEvents },
): readonly SourceStep[] {
  const { logical, keyGroups } = options.physical
  const tables = tableSources(logical)
  const beforeTimers = stepsBeforeTimers(options)
  const needsOrder = logical.nodes.some(breaksTies)
  const numbers = numbersOfSources(options)
  return sourcesOf(stages, logical).map(({ node, tasks }) => {
    const { step } = node
    const forTable = tables.has(step)
    const ports = Array.from({ length: tasks }, (_, task) => portsOf(step, task))
    return new SourceStep({
      node,
      source: checkedSource(node, forTable, options),
      host: options.host,
      batchRows: options.batchRows,
      needsOrder,
      sourceIndex: numbers.indexOf(step),
      cutsAtAdvance: beforeTimers.has(step),
      tasks,
      boundedness: forTable ? 'bounded' : options.boundedness,
      keyGroups,
      forTable,
      isMicroBatch: options.plannedClock !== undefined,
      receivers: ports.map(sourceReceiver),
      ports,
      events,
    })
  })
}

function sourcesOf(
  stages: readonly Stage[],
  { nodes }: LogicalPlan,
): readonly { readonly node: SourceNode; readonly tasks: number }[] {
  const sources = new Map(nodes.flatMap((node) => (node.kind === 'source' ? [[node.step, node]] : [])))
  return stages.flatMap(({ steps, tasks }) =>
    steps.flatMap((step) => {
      const node = sources.get(step)
      return node === undefined ? [] : [{ node, tasks }]
    }),
  )
}

/** The sources of the whole plan, also where only a part of it is built: rows of all are put in order. */
function numbersOfSources({ physical }: ExecutionOptions): readonly string[] {
  return sourcesOf(physical.stages, physical.logical).map(({ node }) => node.step)
}

/** Steps whose rows reach one that sets timers: which fire before a row must not depend on batches (L1). */
function stepsBeforeTimers({ bindings, physical }: ExecutionOptions): ReadonlySet<string> {
  const setting = physical.logical.nodes.filter((node) => {
    if (node.kind !== 'process') return false
    const definition = bindings.functions.get(node.functionId)
    return typeof definition === 'object' && definition !== null && 'onTimer' in definition
  })
  return ancestorsOf(
    physical.logical,
    setting.map(({ step }) => step),
  )
}

/** Every step whose rows come to the table side of a lookup join. */
function ancestorsOfTables(plan: LogicalPlan): ReadonlySet<string> {
  const tables = plan.nodes.flatMap((node) => (node.kind === 'lookup-join' ? node.inputs.slice(1) : []))
  return ancestorsOf(
    plan,
    tables.map(({ step }) => step),
  )
}

function checkedSource(
  { step }: SourceNode,
  forTable: boolean,
  { bindings, physical, boundedness }: ExecutionOptions,
): Source {
  const source = bindings.sources.get(step)
  assert(source !== undefined, `step "${step}" has no source`)
  if (!forTable && ancestorsOfTables(physical.logical).has(step)) {
    throw new MillraceError('plan/unsupported', {
      what: `source "${step}" is both the table of a lookup join and a stream`,
      detail: 'the table side is read whole before the stream flows',
      hint: 'read the input twice, under two step names: one for the table, one for the stream',
      step,
    })
  }
  const wanted: Boundedness = forTable ? 'bounded' : boundedness
  if (source.supports.includes(wanted)) return source
  throw new MillraceError('plan/unsupported', {
    what: `source "${step}" (${source.description.connector}) cannot be read ${wanted === 'bounded' ? 'to an end' : 'continuously'}`,
    detail: forTable
      ? 'it is the table side of a lookup join, which is read whole first'
      : `the run is ${wanted}`,
    hint: wanted === 'bounded' ? 'use --mode continuous, or give the source an end' : 'use --mode batch',
    step,
  })
}

/** A source's main output as the receiver that its task pushes to. */
function sourceReceiver(ports: Map<string, OutputPort>): Receiver {
  const main = portOf(ports, MAIN_PORT)
  const all = (tell: (receiver: Receiver) => void): void => {
    for (const port of ports.values()) for (const receiver of port.receivers) tell(receiver)
  }
  return {
    push: (batch) => {
      for (const route of main.routes) route(batch)
    },
    watermark: (watermark) => all((receiver) => receiver.watermark(watermark)),
    idle: (idle) => all((receiver) => receiver.idle(idle)),
    end: (drain) => all((receiver) => receiver.end(drain)),
  }
}
