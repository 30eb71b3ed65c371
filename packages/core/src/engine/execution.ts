/**
 * A physical plan as tasks in this thread: built here, driven by one of the loops (loop/).
 *
 * How tasks hang together is task-edges.ts; what they read is source/create-sources.ts, and what they write to
 * sink/open-sinks.ts.
 */
import type { Boundedness } from '../connect/source.ts'
import type { SinkContext } from '../connect/sink.ts'
import type { Json } from '../data/type.ts'
import { assert } from '../errors.ts'
import type { Clock, Host } from '../host/host.ts'
import type { LogicalNode, PlanBindings } from '../plan/logical.ts'
import { MAIN_PORT } from '../plan/logical.ts'
import { inputSchema, nodesByStep, stepsWithoutOrder } from '../plan/plan-graph.ts'
import type { Exchange, PhysicalPlan, Stage } from '../plan/physical.ts'
import type { BorderReader } from './border/border-reader.ts'
import type { BorderWriter } from './border/border-writer.ts'
import { createOperator } from './create-operator.ts'
import type { Route } from './exchange.ts'
import type { LoopInput } from './loop/loop-input.ts'
import { abandonSinks, closing, openSink, openWriter, withdrawSinks } from './sink/open-sinks.ts'
import type { OpenSinkStep } from './sink/open-sinks.ts'
import type { Operator, OperatorContext, StepCounters } from './operator.ts'
import { portOf } from './output-port.ts'
import type { OutputPort, TaskPlace } from './output-port.ts'
import { SinkRunner } from './sink/sink-runner.ts'
import { StepWaits } from './sink/sink-waits.ts'
import type { SinkWait } from './sink/sink-waits.ts'
import { createSources } from './source/create-sources.ts'
import type { SourceStep } from './source/source-step.ts'
import { StepRunner } from './step-runner.ts'
import { TaskEdges } from './task-edges.ts'

/** How long a sink is waited for when the run is stopped: the next start delivers what has a manifest. */
const STOPPED_MS = 60_000
/** Without a place for manifests an answer is worth waiting for. */
const STOPPED_UNKEPT_MS = 15 * 60_000

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
    | 'outputMode'
    | 'lineage'
    | 'attempt'
    | 'resumable'
    | 'resumed'
    | 'unwritten'
    | 'left'
    | 'standing'
    | 'store'
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
  private readonly waits: StepWaits[] = []
  /** What is read, and what is run, in the part that was built last. */
  inputs: readonly LoopInput[] = []
  working: readonly StepRunner[] = []
  borders: readonly BorderWriter[] = []
  /** Runners with a watermark whose rows have not all left. */
  readonly pending: StepRunner[] = []
  private readonly edges: TaskEdges
  private readonly withoutOrder: ReadonlySet<string>
  private closed: ReadonlySet<StepRunner> = new Set()

  constructor(options: ExecutionOptions) {
    const { logical } = options.physical
    this.options = options
    this.nodes = nodesByStep(logical)
    this.withoutOrder = stepsWithoutOrder(logical)
    this.edges = new TaskEdges(options.physical, this.nodes, this.runners)
  }

  /** Opens the sinks: first, so that a run that cannot write does not begin. */
  async openSinks(): Promise<void> {
    for (const { steps } of this.options.physical.stages) {
      for (const step of steps) {
        const node = this.node(step)
        if (node.kind !== 'sink') continue
        const waits = new StepWaits(step, this.options.host)
        this.waits.push(waits)
        this.sinks.push(await openSink(waits, inputSchema(this.nodes, node), this.options))
      }
    }
  }

  /** Builds all tasks, when the sinks are open; or those of a part, behind the parts that it reads from. */
  async build(events: ExecutionEvents, part: ExecutionPart = this.whole): Promise<void> {
    const { stages, exchanges, readers, writers } = part
    const { edges } = this
    for (const stage of stages) {
      for (const step of stage.steps) await this.buildStep(this.node(step), stage.tasks, events)
    }
    for (const exchange of exchanges) edges.connectExchange(exchange)
    for (const writer of writers) edges.connectWriter(writer)
    for (const reader of readers) reader.connect((exchange, sender) => edges.receivers(exchange, sender))
    for (const stage of stages) edges.connectStage(stage)
    const sources = createSources(stages, this.options, {
      portsOf: (step, task) => edges.ports(step, task),
      events,
    })
    this.sources.push(...sources)
    const steps = stages.flatMap((stage) => stage.steps)
    this.working = steps.flatMap((step) => this.runners.get(step) ?? [])
    this.inputs = [...readers, ...sources]
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

  /** The run is stopped: a sink that hangs ends it. */
  stopSinks(): void {
    const limitMs = this.options.sink.resumable === true ? STOPPED_MS : STOPPED_UNKEPT_MS
    for (const waits of this.waits) waits.stop(limitMs)
  }

  /** Sinks that wait for their targets, in the order of steps. */
  sinkWaits(): readonly SinkWait[] {
    return this.waits.flatMap((waits) => waits.current() ?? [])
  }

  node(step: string): LogicalNode {
    const node = this.nodes.get(step)
    assert(node !== undefined, `the physical plan names step "${step}", which the logical plan lacks`)
    return node
  }

  /**
   * Closes everything; errors of closing do not hide the first. `hasFailed`: sinks take back what nobody goes on with.
   * `isUnused`: no row was read.
   */
  async close({
    hasFailed = false,
    isUnused = false,
  }: { readonly hasFailed?: boolean; readonly isUnused?: boolean } = {}): Promise<void> {
    for (const runners of this.runners.values()) {
      for (const runner of runners) {
        if (runner.operator instanceof SinkRunner || !this.closed.has(runner)) runner.operator.close()
      }
    }
    const { timers } = this.options.host
    const ended = [
      ...this.sources.map((source) => source.close()),
      ...this.sinks.flatMap((sink) =>
        sink.runners.map((runner) => runner.closeWriter((work) => closing(sink, work, timers))),
      ),
    ]
    const outcomes = await Promise.allSettled(ended)
    if (hasFailed && this.options.sink.resumable !== true) await abandonSinks(this.sinks, timers)
    else if (isUnused) await withdrawSinks(this.sinks, timers)
    const sinks = this.sinks.map((open) => closing(open, open.sink.close(), timers))
    outcomes.push(...(await Promise.allSettled(sinks)))
    for (const waits of this.waits) waits.clear()
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  private async buildStep(node: LogicalNode, tasks: number, events: ExecutionEvents): Promise<void> {
    const { step } = node
    this.edges.addStep(step, tasks)
    if (node.kind === 'source') return
    const runners: StepRunner[] = []
    for (let task = 0; task < tasks; task++) {
      const counters = newCounters()
      const ports = this.edges.ports(step, task)
      const context = this.context(step, { task, tasks }, { counters, ports })
      const operator = await this.operator(node, context, events)
      const pending = (waiting: StepRunner): unknown => this.pending.push(waiting)
      runners.push(new StepRunner(step, { operator, counters, ports }, { pending }))
    }
    this.runners.set(step, runners)
  }

  private async operator(
    node: Exclude<LogicalNode, { kind: 'source' }>,
    context: OperatorContext,
    { failed }: ExecutionEvents,
  ): Promise<Operator> {
    if (node.kind !== 'sink') {
      return createOperator(node, {
        inputSchemas: node.inputs.map((_, input) => inputSchema(this.nodes, node, input)),
        context,
        functions: this.options.bindings.functions,
      })
    }
    const open = this.sinks.find((sink) => sink.step === node.step)
    assert(open !== undefined, `sink "${node.step}" was not opened`)
    const writer = await openWriter(open, context, this.options.restoredOutput?.get(node.step))
    const runner = new SinkRunner(node.step, writer, context, { failed, waits: open.waits })
    open.runners.push(runner)
    return runner
  }

  private context(
    step: string,
    place: TaskPlace,
    { counters, ports }: { readonly counters: StepCounters; readonly ports: Map<string, OutputPort> },
  ): OperatorContext {
    return {
      step,
      ...place,
      keyGroups: this.options.physical.keyGroups,
      batchRows: this.options.batchRows,
      clock: this.options.plannedClock ?? this.options.host.clock,
      counters,
      isUnordered: this.withoutOrder.has(step),
      isRead: (port) => this.isRead(step, port),
      emit: (port) => emitTo(portOf(ports, port), counters, port === MAIN_PORT),
    }
  }

  /** Asked while operators are made, when nothing is connected yet: the plan knows. */
  private isRead(step: string, port: string): boolean {
    const { nodes } = this.options.physical.logical
    return nodes.some(({ inputs }) => inputs.some((input) => input.step === step && input.port === port))
  }

  private get whole(): ExecutionPart {
    const { stages, exchanges } = this.options.physical
    return { stages, exchanges, readers: [], writers: [] }
  }
}

/** Rows to every edge of a port, counted. */
function emitTo(port: OutputPort, counters: StepCounters, counted: boolean): Route {
  const { routes } = port
  return (batch) => {
    if (counted) counters.rowsOut += batch.selection === undefined ? batch.length : batch.selectedCount
    for (const route of routes) route(batch)
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
    waitingRows: 0,
    stateBytes: 0,
  }
}
