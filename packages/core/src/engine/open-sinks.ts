/**
 * The sinks of a run: opened before anything is built, so that a run that cannot write does not begin, and closed after
 * everything that writes to them.
 *
 * A sink is opened once and written by one runner per task (sink-runner.ts); how its epochs end is the business of runtime.
 */
import type { OpenSink, SinkWriter } from '../connect/sink.ts'
import type { Json, Schema } from '../data/type.ts'
import { assert } from '../errors.ts'
import { writeFailure } from './connector-failure.ts'
import type { ExecutionOptions } from './execution.ts'
import type { TaskPlace } from './output-port.ts'
import type { SinkRunner } from './sink-runner.ts'

/** A sink step: opened once, written by one runner per task. */
export interface OpenSinkStep {
  readonly step: string
  readonly sink: OpenSink
  readonly runners: SinkRunner[]
  /** It has got its last row, and its last epoch is prepared. */
  isOver: boolean
}

/** Opens the sink of a step for rows of `schema`. */
export async function openSink(
  step: string,
  schema: Schema,
  { bindings, host, boundedness, sink }: ExecutionOptions,
): Promise<OpenSinkStep> {
  const binding = bindings.sinks.get(step)
  assert(binding !== undefined, `step "${step}" has no sink`)
  try {
    const open = await binding.open({ host, step, schema, bounded: boundedness === 'bounded', ...sink })
    return { step, sink: open, runners: [], isOver: false }
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
  { step, sink }: OpenSinkStep,
  { task, tasks }: TaskPlace,
  prepared: readonly Json[] | undefined,
): Promise<SinkWriter> {
  // Committables of tasks that are no more go to those that are, each to one.
  const restored = prepared?.filter((_, at) => at % tasks === task)
  try {
    return await sink.writer(task, restored)
  } catch (error) {
    throw writeFailure(error, 'opening', step)
  }
}

/** Takes back what nobody goes on with; the run that failed is what to report, not this. */
export async function abandonSinks(sinks: readonly OpenSinkStep[]): Promise<void> {
  // The last one first: a sink may stand in what another has made.
  for (const { sink } of sinks.toReversed()) await sink.abandon?.().catch(() => undefined)
}

/** Lets sinks take back what opening has made, since no row comes. */
export async function withdrawSinks(sinks: readonly OpenSinkStep[]): Promise<void> {
  for (const { sink } of sinks.toReversed()) await sink.withdraw?.().catch(() => undefined)
}
