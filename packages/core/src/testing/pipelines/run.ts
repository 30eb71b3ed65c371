/**
 * A generated pipeline run by the engine in one way, on a simulated machine, with its crashes.
 */
import type { Host } from '../../host/index.ts'
import type { BuiltPlan, EpochLimits } from '../../plan/index.ts'
import { DirectoryStore, Job } from '../../runtime/index.ts'
import type { JobOptions, JobProgress } from '../../runtime/index.ts'
import { ProcessKilled, SimulatedMachine } from '../simulated-host.ts'
import { pipelineOf } from './build.ts'
import type { PipelineCase } from './description.ts'
import type { CommittedRow, ValueSink } from './value-sink.ts'
import { valueSink } from './value-sink.ts'
import type { PipelineWay } from './ways.ts'

/** What a run put out. */
export interface PipelineRun {
  readonly outputs: ReadonlyMap<string, readonly CommittedRow[]>
  /** What an output had at the border of an epoch. */
  readonly outputAt: (output: string, epoch: number) => readonly CommittedRow[]
  /** Of the last start. */
  readonly progress: JobProgress
  /** Commits that were made twice. */
  readonly duplicates: number
  readonly starts: number
  /** Epochs of all starts. */
  readonly epochs: number
  /** Events of the machine. */
  readonly events: number
}

/** A change of what is run, to see whether it is noticed. */
export type Sabotage = (built: BuiltPlan) => BuiltPlan

/** Timers that are shorter are due at once: so epochs end between any two batches. */
const SHORT_MS = 50
/** Milliseconds between two epochs of continuous mode, on a clock that moves when it is looked at. */
const EPOCH_MS = 5

/** Runs a pipeline until it ends. Throws what the engine throws. */
export async function runPipeline(
  described: PipelineCase,
  way: PipelineWay,
  sabotage: Sabotage = (built) => built,
): Promise<PipelineRun> {
  const sinks = new Map<string, ValueSink>(described.outputs.map((output) => [output, valueSink()]))
  const machine = new SimulatedMachine(way.seed)
  const pipeline = pipelineOf(described, (output) => sinks.get(output) as ValueSink)
  for (let start = 0; ; start++) {
    const kill = way.kills[start]
    const built = sabotage(limited(pipeline.build({ check: false }), way.perEpoch))
    const host = tickingHost(machine.boot())
    if (kill !== undefined) machine.killAfter(kill.afterEvents)
    const job = new Job(built, optionsOf(way, start, host))
    try {
      const { progress } = await machine.run(job.run())
      const outputs = new Map([...sinks].map(([output, sink]) => [output, sink.rows]))
      const duplicates = [...sinks.values()].reduce((all, sink) => all + sink.duplicates, 0)
      return {
        outputs,
        outputAt: (output, epoch) => sinks.get(output)?.rowsUpTo(epoch) ?? [],
        progress,
        duplicates,
        starts: start + 1,
        epochs: progress.epoch,
        events: machine.events,
      }
    } catch (error) {
      if (!(error instanceof ProcessKilled) || kill === undefined) throw error
      machine.kill(kill.how)
    }
  }
}

function optionsOf(way: PipelineWay, start: number, host: Host): JobOptions {
  const { mode, parallelism, batchRows, preAggregate, hasState } = way
  return {
    host,
    mode,
    batchRows,
    preAggregate,
    parallelism: parallelism[start % parallelism.length] as number,
    ...(mode === 'continuous' ? { epochIntervalMs: EPOCH_MS } : {}),
    ...(mode === 'micro-batch' ? { trigger: { kind: 'available-now' } as const } : {}),
    ...(hasState ? { state: new DirectoryStore(host, '/state') } : {}),
  }
}

/** The same with so much of each source in an epoch. */
function limited(built: BuiltPlan, perEpoch: EpochLimits | undefined): BuiltPlan {
  if (perEpoch === undefined || Object.keys(perEpoch).length === 0) return built
  const nodes = built.plan.nodes.map((node) => (node.kind === 'source' ? { ...node, perEpoch } : node))
  return { ...built, plan: { ...built.plan, nodes } }
}

/** A clock that moves when it is looked at, so that work takes time and epochs end within it. */
function tickingHost(host: Host): Host {
  let ticks = 0
  const { clock, timers } = host
  return {
    ...host,
    clock: { ...clock, now: () => clock.now() + ticks, monotonic: () => clock.monotonic() + ticks++ },
    timers: {
      ...timers,
      set: (delayMs, callback) => timers.set(delayMs <= SHORT_MS ? 0 : delayMs, callback),
    },
  }
}
