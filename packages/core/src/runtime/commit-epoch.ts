/**
 * The output side of an epoch: every sink writer is sealed, then all prepare, then every sink commits, and after the
 * last epoch every sink finishes.
 *
 * The order is the protocol: no committable is handed to any sink before all writers have prepared theirs, and no sink
 * removes what it replaces before all of them have committed. Between the first two stands the durable manifest; without
 * a state directory a crash there leaves staged output, which the next run sweeps.
 */
import { MillraceError } from '../errors.ts'
import type { Json } from '../data/type.ts'
import type { CommitOutcome, EpochId } from '../connect/sink.ts'
import { writeFailure } from '../engine/index.ts'
import type { Execution, OpenSinkStep, SinkCall } from '../engine/index.ts'
import type { CommitRetries } from './commit-retries.ts'

/** Rows that a sink made visible in an epoch. */
export interface SinkCommit {
  readonly step: string
  readonly rows: number
}

/** What one task of a sink has prepared. */
export interface PreparedOutput {
  readonly step: string
  readonly task: number
  readonly committable: Json
}

/** The cut: what was pushed before belongs to the epoch. */
export function sealOutputs(execution: Execution, epoch: EpochId, final: boolean): void {
  for (const { runners } of written(execution)) for (const runner of runners) runner.seal(epoch, final)
}

/** Sinks that the epoch may have rows for: those of earlier phases of a batch have had their last one. */
function written({ sinks }: Execution): readonly OpenSinkStep[] {
  return sinks.filter(({ isOver }) => !isOver)
}

/** Resolves when all output of a sealed epoch is durable, or hidden at its target. */
export async function prepareOutputs(
  execution: Execution,
  epoch: EpochId,
): Promise<readonly PreparedOutput[]> {
  const prepared = await Promise.all(
    written(execution).flatMap(({ step, runners }) =>
      runners.map(async (runner, task) => ({ step, task, committable: await runner.prepare(epoch) })),
    ),
  )
  return prepared.flatMap(({ step, task, committable }) =>
    committable === undefined ? [] : [{ step, task, committable }],
  )
}

/** Commits what was prepared for an epoch, sink by sink, as often as it takes. */
export async function commitOutputs(
  execution: Execution,
  outputs: readonly PreparedOutput[],
  { epoch, retries }: { readonly epoch: EpochId; readonly retries: CommitRetries },
): Promise<readonly SinkCommit[]> {
  const commits: SinkCommit[] = []
  for (const step of execution.sinks) {
    const committables = outputs
      .filter((output) => output.step === step.step)
      .map(({ committable }) => committable)
    try {
      const rows =
        committables.length === 0 ? 0 : await commitSink(step, { epoch, committables, commits, retries })
      commits.push({ step: step.step, rows })
    } finally {
      retries.over()
    }
  }
  return commits
}

/** Ends all sinks of a run whose last epoch was committed. */
export async function finishOutputs(execution: Execution): Promise<void> {
  for (const step of execution.sinks) await answered(step, 'finishing', () => step.sink.finish())
}

interface SinkWork {
  readonly epoch: EpochId
  readonly committables: readonly Json[]
  /** Sinks that are done. */
  readonly commits: readonly SinkCommit[]
  readonly retries: CommitRetries
}

async function commitSink(step: OpenSinkStep, work: SinkWork): Promise<number> {
  let left = work.committables
  let rows = 0
  for (let tries = 1; ; tries++) {
    const pending = left
    work.retries.throwIfAborted()
    const outcomes = await answered(step, 'committing', () => step.sink.commit(pending))
    if (outcomes.length !== pending.length) throw miscounted(step.step, pending.length, outcomes.length)
    for (const outcome of outcomes) if (outcome.kind === 'committed') rows += outcome.rows
    refuseLost(step.step, work, outcomes)
    left = left.filter((_, at) => outcomes[at]?.kind === 'retry')
    if (left.length === 0) return rows
    const retry = outcomes.find((outcome) => outcome.kind === 'retry')
    const reason = retry?.reason ?? 'the target did not answer'
    if (work.retries.exhausted(tries)) {
      const visible = visibleRows(work, {
        step: step.step,
        rows,
        parts: work.committables.length - left.length,
      })
      throw gaveUp(step.step, work, { reason, tries, visible, cause: retry?.cause })
    }
    await work.retries.wait({ step: step.step, reason, tries })
  }
}

/** What of an epoch can be seen although it failed, in words; empty when nothing can. */
function visibleRows(
  { commits, committables }: SinkWork,
  own: { readonly step: string; readonly rows: number; readonly parts: number },
): string {
  const whole = commits
    .filter(({ rows }) => rows > 0)
    .map(({ step, rows }) => `all ${rows} rows of "${step}"`)
  const part = `${own.rows} rows of "${own.step}" (${own.parts} of ${committables.length} parts)`
  return [...whole, ...(own.parts > 0 ? [part] : [])].join(', ')
}

/** An answer of a sink; its failures say which step it was. */
async function answered<Answer>(
  step: OpenSinkStep,
  doing: SinkCall,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await step.waits.during(doing, ask())
  } catch (error) {
    throw writeFailure(error, doing, step.step)
  }
}

/** A committable without an answer would count as committed, and its rows be lost in silence. */
function miscounted(step: string, asked: number, answers: number): MillraceError {
  return new MillraceError('output/lost', {
    what: `a sink was given ${asked} committables and told what became of ${answers}`,
    detail: 'whether the output is complete is not known',
    hint: 'mend the connector: commit answers one outcome per committable, in their order',
    step,
  })
}

function refuseLost(step: string, { epoch, retries }: SinkWork, outcomes: readonly CommitOutcome[]): void {
  const lost = outcomes.find((outcome) => outcome.kind === 'lost')
  if (lost === undefined) return
  throw new MillraceError('output/lost', {
    what: `output of epoch ${epoch} is lost`,
    detail: lost.reason,
    hint:
      lost.hint ??
      (retries.isDurable
        ? 'bring back from a copy what was prepared for it and start again; or start from an earlier epoch with --from, which repeats what was put out since'
        : 'run the pipeline again from its input: the rows of this epoch are not in the output'),
    step,
  })
}

function gaveUp(
  step: string,
  { epoch, retries }: SinkWork,
  end: { readonly reason: string; readonly tries: number; readonly visible: string; readonly cause: unknown },
): MillraceError {
  const { reason, tries, visible, cause } = end
  const seen =
    visible === ''
      ? `nothing of epoch ${epoch} is visible`
      : `visible of epoch ${epoch}: ${visible}; the rest is not`
  const before = epoch > 1 ? '; earlier epochs are visible' : ''
  return new MillraceError('output/write-failed', {
    what: `output of epoch ${epoch} could not be committed`,
    detail: `${reason}, ${tries} times; ${seen}${before}`,
    hint: retries.isDurable
      ? 'mend the target and start it again as it was: the epoch stands, and its output comes first'
      : visible === '' && epoch === 1
        ? 'mend the target and run again'
        : 'mend the target and run again from the input with --output-mode overwrite, which replaces what is visible',
    step,
    cause,
  })
}
