/**
 * A physical plan as tasks in this thread: built here, driven by task-loop.ts.
 *
 * Tasks of one thread hand batches on directly (run to completion): every queue between them would only be walked at
 * once. Edges between tasks go through `Receiver`, which is also what a channel to another thread will implement.
 */
import type { Json, Schema } from '../data/type.ts'
import { assert, MillraceError } from '../errors.ts'
import type { Clock, Host } from '../host/host.ts'
import type { LogicalNode, LogicalPlan, PlanBindings, SinkNode, SourceNode } from '../plan/logical.ts'
import { MAIN_PORT } from '../plan/logical.ts'
import {
  ancestorsOf,
  inputSchema,
  nodesByStep,
  portSchema,
  stepsWithoutOrder,
  tableSources,
} from '../plan/plan-graph.ts'
import type { Exchange, PhysicalPlan, Stage } from '../plan/physical.ts'
import type { Boundedness, Source } from '../connect/source.ts'
import type { OpenSink, SinkContext, SinkWriter } from '../connect/sink.ts'
import { createOperator } from './create-operator.ts'
import type { OperatorNode } from './create-operator.ts'
import { writeFailure } from './connector-failure.ts'
import type { BorderReader } from './border/border-reader.ts'
import type { BorderWriter } from './border/border-writer.ts'
import { createRoute } from './exchange.ts'
import type { Route } from './exchange.ts'
import type { OperatorContext, StepCounters } from './operator.ts'
import { SinkRunner } from './sink-runner.ts'
import { SourceStep } from './source/source-step.ts'
import { portOf } from './output-port.ts'
import type { OpenChannel, OutputPort, Receiver } from './output-port.ts'
import { StepRunner } from './step-runner.ts'

/** What an execution needs besides its plan. */
export interface ExecutionOptions {
  readonly physical: PhysicalPlan
  readonly bindings: PlanBindings
  readonly host: Host
  readonly boundedness: Boundedness
  /** The processing time of operators, where it is not the host's: epochs are planned, and their time with them. */
  readonly plannedClock?: Pick<Clock, 'now'> | undefined
  /** Rows per batch, at most. */
  readonly batchRows: number
  readonly sink: Pick<
    SinkContext,
    'outputMode' | 'lineage' | 'attempt' | 'resumable' | 'resumed' | 'left' | 'standing' | 'store'
  >
  /** What sinks prepared in the epoch that the run goes on from, by step. */
  readonly restoredOutput?: ReadonlyMap<string, readonly Json[]>
}

/** What an execution tells the loop. */
export interface ExecutionEvents {
  wake(): void
  failed(error: unknown): void
  /** A source failed, and nothing of what it was about to give was taken. */
  readingFailed(error: unknown): void
}

/** A task among those of its stage. */
export interface TaskPlace {
  readonly task: number
  readonly tasks: number
}

/** A sink step: opened once, written by one runner per task. */
export interface OpenSinkStep {
  readonly step: string
  readonly sink: OpenSink
  readonly runners: SinkRunner[]
  /** It has got its last row, and its last epoch is prepared. */
  isOver: boolean
}

/** Something that the loop reads: a source, or what an earlier phase has left. */
export interface LoopInput {
  /** Read to its end before any other (T4). */
  readonly forTable: boolean
  readonly done: boolean
  open(): Promise<void>
  /** One step; whether there was anything to do. `ask`: more may be taken in. */
  turn(ask: boolean): boolean
}

/** The stages that are built together, and what crosses the borders around them. */
export interface ExecutionPart {
  readonly stages: readonly Stage[]
  /** Those between the stages of the part. */
  readonly exchanges: readonly Exchange[]
  readonly readers: readonly BorderReader[]
  readonly writers: readonly BorderWriter[]
}

/** The tasks of a plan and everything they hold open. */
export class Execution {
  readonly options: ExecutionOptions
  readonly nodes: ReadonlyMap<string, LogicalNode>
  /** Runners of each step by task; sources have none. */
  readonly runners: Map<string, StepRunner[]> = new Map()
  readonly sources: SourceStep[] = []
  readonly sinks: OpenSinkStep[] = []
  /** What is read, and what is run, in the part that was built last. */
  inputs: readonly LoopInput[] = []
  working: readonly StepRunner[] = []
  borders: readonly BorderWriter[] = []
  /** Runners with a watermark whose rows have not all left. */
  readonly pending: StepRunner[] = []
  /** Whether any step breaks ties by row order: sources number their rows only then. */
  readonly needsOrder: boolean
  private readonly withoutOrder: ReadonlySet<string>
  private closed: ReadonlySet<StepRunner> = new Set()
  private readonly outputs = new Map<string, Map<string, OutputPort>[]>()

  constructor(options: ExecutionOptions) {
    this.options = options
    this.nodes = nodesByStep(options.physical.logical)
    this.needsOrder = options.physical.logical.nodes.some(breaksTies)
    this.withoutOrder = stepsWithoutOrder(options.physical.logical)
  }

  /** Opens the sinks: first, so that a run that cannot write does not begin. */
  async openSinks(): Promise<void> {
    for (const { steps } of this.options.physical.stages) {
      for (const step of steps) {
        const node = this.node(step)
        if (node.kind === 'sink') await this.openSink(node)
      }
    }
  }

  /** Builds all tasks, when the sinks are open; or those of a part, behind the parts that it reads from. */
  async build(events: ExecutionEvents, part: ExecutionPart = this.whole): Promise<void> {
    const { stages, exchanges, readers, writers } = part
    for (const stage of stages) {
      for (const step of stage.steps) await this.buildStep(this.node(step), stage.tasks, events)
    }
    for (const exchange of exchanges) this.connectExchange(exchange)
    for (const writer of writers) this.connectWriter(writer)
    for (const reader of readers) reader.connect((exchange, sender) => this.receivers(exchange, sender))
    for (const stage of stages) {
      for (const step of stage.steps) this.connectInStage(this.node(step), new Set(stage.steps))
    }
    const steps = stages.flatMap((stage) => stage.steps)
    this.working = steps.flatMap((step) => this.runners.get(step) ?? [])
    this.inputs = [...readers, ...this.makeSources(stages, events)]
    this.borders = writers
  }

  /** The part that was built last is done and will not be asked again: its memory is free. */
  endPart(): void {
    for (const { operator } of this.working) if (!(operator instanceof SinkRunner)) operator.close()
    this.closed = new Set([...this.closed, ...this.working])
    for (const sink of this.sinks) sink.isOver = sink.runners.length > 0
    this.inputs = []
    this.working = []
    this.borders = []
  }

  node(step: string): LogicalNode {
    const node = this.nodes.get(step)
    assert(node !== undefined, `the physical plan names step "${step}", which the logical plan lacks`)
    return node
  }

  /** Closes everything; errors of closing do not hide the first. `hasFailed`: sinks take back what nobody goes on with. */
  async close(hasFailed = false): Promise<void> {
    for (const runners of this.runners.values()) {
      for (const runner of runners) {
        if (runner.operator instanceof SinkRunner || !this.closed.has(runner)) runner.operator.close()
      }
    }
    const closing = [
      ...this.sources.map((source) => source.close()),
      ...this.sinks.flatMap(({ runners }) => runners.map((runner) => runner.closeWriter())),
    ]
    const outcomes = await Promise.allSettled(closing)
    if (hasFailed && this.options.sink.resumable !== true) {
      // The last one first: a sink may stand in what another has made.
      for (const { sink } of this.sinks.toReversed()) await sink.abandon?.().catch(() => undefined)
    }
    outcomes.push(...(await Promise.allSettled(this.sinks.map(({ sink }) => sink.close()))))
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  private async openSink(node: SinkNode): Promise<void> {
    const { bindings, host, boundedness, sink } = this.options
    const binding = bindings.sinks.get(node.step)
    assert(binding !== undefined, `step "${node.step}" has no sink`)
    const context = {
      host,
      step: node.step,
      schema: inputSchema(this.nodes, node),
      bounded: boundedness === 'bounded',
      ...sink,
    }
    try {
      this.sinks.push({ step: node.step, sink: await binding.open(context), runners: [], isOver: false })
    } catch (error) {
      throw writeFailure(error, 'opening', node.step)
    }
  }

  private async buildStep(node: LogicalNode, tasks: number, events: ExecutionEvents): Promise<void> {
    this.outputs.set(
      node.step,
      Array.from({ length: tasks }, () => new Map<string, OutputPort>()),
    )
    if (node.kind === 'source') return
    const runners: StepRunner[] = []
    for (let task = 0; task < tasks; task++) {
      const counters = newCounters()
      const context = this.context(node, { task, tasks }, counters)
      const operator =
        node.kind === 'sink' ? await this.sinkRunner(node, context, events) : this.operator(node, context)
      const runner = new StepRunner(
        node.step,
        { operator, counters, ports: this.ports(node.step, task) },
        {
          pending: (waiting) => this.pending.push(waiting),
        },
      )
      runners.push(runner)
    }
    this.runners.set(node.step, runners)
  }

  private operator(node: OperatorNode, context: OperatorContext): ReturnType<typeof createOperator> {
    return createOperator(node, {
      inputSchemas: node.inputs.map((_, input) => inputSchema(this.nodes, node, input)),
      context,
      functions: this.options.bindings.functions,
    })
  }

  private async sinkRunner(
    node: SinkNode,
    context: OperatorContext,
    { failed }: ExecutionEvents,
  ): Promise<SinkRunner> {
    const open = this.sinks.find((sink) => sink.step === node.step) as OpenSinkStep
    // Committables of tasks that are no more go to those that are, each to one.
    const restored = this.options.restoredOutput
      ?.get(node.step)
      ?.filter((_, at) => at % context.tasks === context.task)
    const writer = await writerOf(open, context.task, restored)
    const runner = new SinkRunner(node.step, writer, context, failed)
    open.runners.push(runner)
    return runner
  }

  private context(
    node: LogicalNode,
    place: { readonly task: number; readonly tasks: number },
    counters: StepCounters,
  ): OperatorContext {
    const ports = this.ports(node.step, place.task)
    return {
      step: node.step,
      ...place,
      keyGroups: this.options.physical.keyGroups,
      batchRows: this.options.batchRows,
      clock: this.options.plannedClock ?? this.options.host.clock,
      counters,
      isUnordered: this.withoutOrder.has(node.step),
      isRead: (port) => this.isRead(node.step, port),
      emit: (port) => emitTo(portOf(ports, port), counters, port === MAIN_PORT),
    }
  }

  /** Asked while operators are made, when nothing is connected yet: the plan knows. */
  private isRead(step: string, port: string): boolean {
    const { nodes } = this.options.physical.logical
    return nodes.some(({ inputs }) => inputs.some((input) => input.step === step && input.port === port))
  }

  private ports(step: string, task: number): Map<string, OutputPort> {
    const ports = this.outputs.get(step)?.[task]
    assert(ports !== undefined, `task ${task} of step "${step}" does not exist`)
    return ports
  }

  /** An edge between stages: every sending task gets a channel to every receiving task. */
  private connectExchange(exchange: Exchange): void {
    const { step, port } = exchange.from
    const senders = this.outputs.get(step) ?? []
    senders.forEach((ports, task) => {
      const { route, receivers } = this.receivers(exchange, { task, tasks: senders.length })
      const output = portOf(ports, port)
      output.routes.push(route)
      output.receivers.push(...receivers)
    })
  }

  /** The receiving end of an edge between stages, for one of its sending tasks. */
  private receivers({ from, to, exchange }: Exchange, { task, tasks }: TaskPlace): OpenChannel {
    const targets = this.runners.get(to.step) ?? []
    const reached =
      exchange.kind === 'forward' && targets.length === tasks ? [targets[task] as StepRunner] : targets
    const receivers = reached.map((target) => target.addChannel(to.input))
    const send: Route[] = receivers.map((receiver) => receiver.push)
    const schema = this.schemaOf(from.step, from.port)
    return {
      route: createRoute(exchange, schema, send, { task, keyGroups: this.options.physical.keyGroups }),
      receivers,
    }
  }

  /** Edges to a later phase: every sending task has a channel to the border. */
  private connectWriter(writer: BorderWriter): void {
    for (const { exchange, task, receiver } of writer.channels) {
      const { step, port } = exchange.from
      const output = portOf(this.ports(step, task), port)
      output.routes.push(receiver.push)
      output.receivers.push(receiver)
    }
  }

  /** Edges inside a stage: task i to task i. */
  private connectInStage(node: LogicalNode, inStage: ReadonlySet<string>): void {
    node.inputs.forEach((input, at) => {
      if (!inStage.has(input.step) || this.isExchanged(node.step, at)) return
      const targets = this.runners.get(node.step) ?? []
      targets.forEach((target, task) => {
        const receiver = target.addChannel(at)
        const port = portOf(this.ports(input.step, task), input.port)
        port.routes.push(receiver.push)
        port.receivers.push(receiver)
      })
    })
  }

  private isExchanged(step: string, input: number): boolean {
    return this.options.physical.exchanges.some(({ to }) => to.step === step && to.input === input)
  }

  private get whole(): ExecutionPart {
    const { stages, exchanges } = this.options.physical
    return { stages, exchanges, readers: [], writers: [] }
  }

  private schemaOf(step: string, port: string): Schema {
    const schema = portSchema(this.node(step), port)
    assert(schema !== undefined, `step "${step}" has no output "${port}"`)
    return schema
  }

  private makeSources(stages: readonly Stage[], events: ExecutionEvents): readonly SourceStep[] {
    const { physical, boundedness, bindings, host, batchRows } = this.options
    const tables = tableSources(this.options.physical.logical)
    const beforeTimers = this.beforeTimers()
    const all = physical.stages
      .flatMap(({ steps }) => steps)
      .filter((step) => this.node(step).kind === 'source')
    const made: SourceStep[] = []
    for (const stage of stages) {
      for (const step of stage.steps) {
        const node = this.node(step)
        if (node.kind !== 'source') continue
        const forTable = tables.has(step)
        this.checkTable(node, forTable)
        made.push(
          new SourceStep({
            node,
            source: bindings.sources.get(step) as Source,
            host,
            batchRows,
            needsOrder: this.needsOrder,
            sourceIndex: all.indexOf(step),
            cutsAtAdvance: beforeTimers.has(step),
            tasks: stage.tasks,
            boundedness: forTable ? 'bounded' : boundedness,
            keyGroups: physical.keyGroups,
            forTable,
            isMicroBatch: this.options.plannedClock !== undefined,
            receivers: Array.from({ length: stage.tasks }, (_, task) =>
              sourceReceiver(this.ports(step, task)),
            ),
            ports: Array.from({ length: stage.tasks }, (_, task) => this.ports(step, task)),
            events,
          }),
        )
      }
    }
    this.sources.push(...made)
    return made
  }

  /** Steps whose rows reach one that sets timers: which fire before a row must not depend on batches (L1). */
  private beforeTimers(): ReadonlySet<string> {
    const { bindings, physical } = this.options
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

  private checkTable(node: SourceNode, forTable: boolean): void {
    const source = this.options.bindings.sources.get(node.step)
    assert(source !== undefined, `step "${node.step}" has no source`)
    if (!forTable && ancestorsOfTables(this.options.physical.logical).has(node.step)) {
      throw new MillraceError('plan/unsupported', {
        what: `source "${node.step}" is both the table of a lookup join and a stream`,
        detail: 'the table side is read whole before the stream flows',
        hint: 'read the input twice, under two step names: one for the table, one for the stream',
        step: node.step,
      })
    }
    const wanted: Boundedness = forTable ? 'bounded' : this.options.boundedness
    if (source.supports.includes(wanted)) return
    throw new MillraceError('plan/unsupported', {
      what: `source "${node.step}" (${source.description.connector}) cannot be read ${wanted === 'bounded' ? 'to an end' : 'continuously'}`,
      detail: forTable
        ? 'it is the table side of a lookup join, which is read whole first'
        : `the run is ${wanted}`,
      hint: wanted === 'bounded' ? 'use --mode continuous, or give the source an end' : 'use --mode batch',
      step: node.step,
    })
  }
}

const ORDERED_AGGREGATES: ReadonlySet<string> = new Set(['first', 'last', 'top', 'collect'])

/** Whether the answer of a step depends on the order of rows with equal event time. */
function breaksTies(node: LogicalNode): boolean {
  return (
    node.kind === 'window-aggregate' &&
    node.aggregates.some(({ aggregate }) => ORDERED_AGGREGATES.has(aggregate))
  )
}

/** Rows to every edge of a port, counted. */
function emitTo(port: OutputPort, counters: StepCounters, counted: boolean): Route {
  const { routes } = port
  return (batch) => {
    if (counted) counters.rowsOut += batch.selection === undefined ? batch.length : batch.selectedCount
    for (const route of routes) route(batch)
  }
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

/** Counters of a step that has done nothing. */
function newCounters(): StepCounters {
  return {
    rowsIn: 0,
    rowsOut: 0,
    lateRows: 0,
    rejectedRows: 0,
    stateEntries: 0,
    pendingTimers: 0,
    stateBytes: 0,
  }
}

/** Every step whose rows come to the table side of a lookup join. */
function ancestorsOfTables(plan: LogicalPlan): ReadonlySet<string> {
  const tables = plan.nodes.flatMap((node) => (node.kind === 'lookup-join' ? node.inputs.slice(1) : []))
  return ancestorsOf(
    plan,
    tables.map(({ step }) => step),
  )
}

async function writerOf(
  { step, sink }: OpenSinkStep,
  task: number,
  restored: readonly Json[] | undefined,
): Promise<SinkWriter> {
  try {
    return await sink.writer(task, restored)
  } catch (error) {
    throw writeFailure(error, 'opening', step)
  }
}
