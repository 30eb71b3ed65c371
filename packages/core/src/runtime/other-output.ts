/**
 * Outputs that a program has not where, or not as, the run before had them, while rows of them are in hand: prepared and
 * not shown, or held back. Pure.
 */
import type { PendingCommit } from '../checkpoint/index.ts'
import type { SinkDescription } from '../connect/sink.ts'
import { MillraceError } from '../errors.ts'
import type { BuiltPlan } from '../plan/logical.ts'

/** An output whose rows in hand lie where it was before. */
export interface MovedOutput {
  readonly step: string
  readonly epoch: number
  readonly before: string
  readonly now: string
}

/** The outputs of a program by step. */
export function sinksOf({ plan }: BuiltPlan): ReadonlyMap<string, SinkDescription> {
  return new Map(
    plan.nodes.flatMap((node) => (node.kind === 'sink' ? [[node.step, node.sink] as const] : [])),
  )
}

/** Where a sink puts its rows, in the words of its options; undefined: they do not say. */
export function targetOf({ options }: SinkDescription): string | undefined {
  const words = ['url', 'path', 'schema', 'table'].map((name) => options[name])
  const said = words.filter((word) => typeof word === 'string')
  return said.length === 0 ? undefined : said.join(', ')
}

/** Outputs that are somewhere else now, each once. */
export function movedOutputs(
  pending: readonly PendingCommit[],
  sinks: ReadonlyMap<string, SinkDescription>,
): readonly MovedOutput[] {
  const moved = new Map<string, MovedOutput>()
  for (const { step, epoch, target: before } of pending) {
    const sink = sinks.get(step)
    const now = sink === undefined ? undefined : targetOf(sink)
    if (before === undefined || now === undefined || before === now) continue
    moved.set(step, moved.get(step) ?? { step, epoch, before, now })
  }
  return [...moved.values()]
}

/** What refuses such a one whose rows in hand are not found. */
export function notFoundThere(
  { step, epoch, before, now }: MovedOutput,
  cause: MillraceError,
): MillraceError {
  return new MillraceError('checkpoint/incompatible', {
    what: `output "${step}" has rows of epoch ${epoch} in hand that were prepared at ${before}, and is now at ${now}`,
    detail: 'they cannot be shown from there; nothing of them is lost, and nothing of them was changed',
    hint: `three ways on: start the version that writes to ${before} once more and end it with Ctrl-C, which puts all of them out there, and then change it; or, where nothing is at ${now}, move ${before} there as a whole, with its hidden parts; or keep this output and give the new one another name`,
    step,
    place: { file: before },
    cause,
  })
}

/** What refuses an output that is one of another kind now: that can neither commit nor restore what is in hand. */
export function otherKind(
  pending: readonly PendingCommit[],
  sinks: ReadonlyMap<string, SinkDescription>,
): MillraceError | undefined {
  for (const { step, epoch, connector } of pending) {
    const now = sinks.get(step)?.connector
    if (connector === undefined || now === undefined || now === connector) continue
    return new MillraceError('checkpoint/incompatible', {
      what: `output "${step}" has rows of epoch ${epoch} in hand, as a sink of kind ${connector}, and is now of kind ${now}`,
      hint: 'end the job that wrote them with Ctrl-C, which puts all of them out, and then change it; or give the new output another name',
      step,
    })
  }
  return undefined
}

/** What refuses a program that lacks an output to which rows are owed. */
export function unknownOutput({ epoch, step }: Pick<PendingCommit, 'epoch' | 'step'>): MillraceError {
  return new MillraceError('checkpoint/incompatible', {
    what: `output of epoch ${epoch} is owed to step "${step}", and the pipeline has no such output`,
    hint: 'run the pipeline that wrote it once more, so that it delivers; then change it',
    step,
  })
}
