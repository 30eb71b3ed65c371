/**
 * What is in the way of a history that has put nothing out yet, before anything is written: a start that is refused by it
 * leaves no trace. Outputs that cannot be looked at say it when they are opened.
 */
import type { BuiltPlan } from '../plan/logical.ts'
import type { JobOptions } from './job.ts'

/**
 * Looks at the outputs of a job. `standing`: the epoch that its history begins behind; 0: at the beginning.
 *
 * @throws MillraceError what the first output that is in the way would refuse when it is opened.
 */
export async function lookAtOutputs(
  {
    built,
    host,
    options: { outputMode = 'refuse' },
  }: Pick<JobOptions, 'host'> & {
    readonly built: BuiltPlan
    readonly options: Pick<JobOptions, 'outputMode'>
  },
  standing: number,
): Promise<void> {
  for (const [step, sink] of built.bindings.sinks) await sink.look?.({ host, outputMode, step, standing })
}
