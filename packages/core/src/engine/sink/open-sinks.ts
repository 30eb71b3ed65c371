/**
 * The sinks of a run: opened before anything is built, so that a run that cannot write does not begin, and closed after
 * everything that writes to them.
 *
 * A sink is opened once and written by one runner per task (sink-runner.ts); how its epochs end is the business of runtime.
 */
import type { OpenSink, SinkWriter } from '../../connect/sink.ts'
import type { Json, Schema } from '../../data/type.ts'
import { assert } from '../../errors.ts'
import type { Timers } from '../../host/host.ts'
import { within } from '../../host/within.ts'
import { writeFailure } from '../connector-failure.ts'
import type { ExecutionOptions } from '../execution.ts'
import type { TaskPlace } from '../output-port.ts'
import type { SinkRunner } from './sink-runner.ts'
import type { StepWaits } from './sink-waits.ts'

/** How long a sink that is closed is waited for, at each step of that. */
const CLOSING_MS = 30_000

/** A sink step: opened once, written by one runner per task. */
export interface OpenSinkStep {
  readonly step: string
  readonly sink: OpenSink
  readonly runners: SinkRunner[]
  readonly waits: StepWaits
  /** It has got its last row, and its last epoch is prepared. */
  isOver: boolean
}

/** Opens the sink of a step for rows of `schema`. */
export async function openSink(
  waits: StepWaits,
  schema: Schema,
  { bindings, host, boundedness, sink }: ExecutionOptions,
): Promise<OpenSinkStep> {
  const { step } = waits
  const binding = bindings.sinks.get(step)
  assert(binding !== undefined, `step "${step}" has no sink`)
  try {
    const bounded = boundedness === 'bounded'
    const opening = binding.open({ host, step, schema, bounded, waiting: waits.notice, ...sink })
    return { step, sink: await waits.during('opening', opening), runners: [], waits, isOver: false }
  } catch (error) {
    throw writeFailure(error, 'opening', step)
  }
}

/**
 * Opens the writer of a task.
 *
 * @param prepared - what all tasks of the step prepared in the epoch that the run goes on from
 */
export async function openWriter(
  { step, sink, waits }: OpenSinkStep,
  { task, tasks }: TaskPlace,
  prepared: readonly Json[] | undefined,
): Promise<SinkWriter> {
  // Committables of tasks that are no more go to those that are, each to one.
  const restored = prepared?.filter((_, at) => at % tasks === task)
  try {
    return await waits.during('opening', sink.writer(task, restored))
  } catch (error) {
    throw writeFailure(error, 'opening', step)
  }
}

/** Takes back what nobody goes on with; the run that failed is what to report, not this. */
export async function abandonSinks(sinks: readonly OpenSinkStep[], timers: Timers): Promise<void> {
  // The last one first: a sink may stand in what another has made.
  for (const open of sinks.toReversed())
    await closing(open, open.sink.abandon?.(), timers).catch(() => undefined)
}

/** Waits for a sink that is closed, which may hang: all that counts of it is committed, or nothing of it counts. */
export async function closing(
  { waits }: OpenSinkStep,
  work: Promise<unknown> | undefined,
  timers: Timers,
): Promise<void> {
  if (work !== undefined) await waits.during('closing', within(timers, CLOSING_MS, work))
}

/** Lets sinks take back what opening has made, since no row comes. */
export async function withdrawSinks(sinks: readonly OpenSinkStep[], timers: Timers): Promise<void> {
  for (const open of sinks.toReversed())
    await closing(open, open.sink.withdraw?.(), timers).catch(() => undefined)
}
