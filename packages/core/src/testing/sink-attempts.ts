/**
 * What sinks promise about an attempt that was taken over and does not know it yet: part of the suite of sinks.
 *
 * It may have slept anywhere, and goes on with what its own log named. Whatever it does then, the newer attempt puts out
 * every row once, and is not disturbed.
 */
import type { Json } from '../data/type.ts'
import type { OpenSink, SinkWriter } from '../connect/sink.ts'
import type { Declare, TestTools } from './conformance.ts'
import { kinds, list, prepareEpoch, SinkTrial } from './sink-trial.ts'
import type { SinkSubject } from './sink-trial.ts'

/** The attempt that was taken over: an epoch of it stands, and the next one was written. */
interface Older {
  readonly run: OpenSink
  readonly writer: SinkWriter
  /** Of the epoch that stands. */
  readonly named: readonly Json[]
}

/** What the older one does when it wakes up. */
const WAKES: readonly { readonly name: string; readonly does: (older: Older) => Promise<unknown> }[] = [
  { name: 'commits', does: ({ run, named }) => run.commit(named) },
  { name: 'sweeps', does: ({ run, named }) => run.sweep(named) },
  { name: 'finishes', does: ({ run }) => run.finish() },
  { name: 'prepares', does: ({ writer }) => prepareEpoch(writer, 2, { final: false }) },
  { name: 'closes', does: ({ run, writer }) => writer.close().then(() => run.close()) },
  {
    name: 'commits, finishes and closes',
    does: async ({ run, writer, named }) => {
      await run.commit(named)
      await run.finish()
      await writer.close()
      await run.close()
    },
  },
]

/** Points of the newer attempt, in their order. */
const POINTS = ['opened', 'swept', 'committed', 'written', 'sealed', 'prepared', 'shown'] as const

/** Declares the tests of an older attempt beside a newer one. */
export function declareAttempts(declare: Declare, tools: TestTools, setup: () => Promise<SinkSubject>): void {
  for (const { name, does } of WAKES) {
    declare(`gives rows once beside an older attempt that ${name}`, async () => {
      for (const point of POINTS) {
        const subject = await setup()
        try {
          await takenOver(new SinkTrial(subject, tools), async (at, older) => {
            // It may be refused, and that is no concern of the newer one.
            if (at === point) await does(older).catch(() => undefined)
          })
        } finally {
          await subject.cleanup?.()
        }
      }
    })
  }

  declare('commits what an older attempt commits at the same moment', async () => {
    const subject = await setup()
    try {
      const trial = new SinkTrial(subject, tools)
      let late: Promise<unknown> = Promise.resolve()
      await takenOver(trial, async (at, { run, named }) => {
        if (at === 'swept') late = run.commit(named).catch(() => undefined)
        if (at === 'committed') await late
      })
    } finally {
      await subject.cleanup?.()
    }
  })
}

/** A job that is taken over behind its first epoch; `reached` is called at every point of the newer attempt. */
async function takenOver(
  trial: SinkTrial,
  reached: (at: (typeof POINTS)[number], older: Older) => Promise<void>,
): Promise<void> {
  const context = { bounded: false, resumable: true }
  const run = await trial.open({ ...context, standing: 0 })
  await run.sweep([])
  const writer = await run.writer(0)
  await trial.write(writer, [0, 1])
  const named = asRead(list(await prepareEpoch(writer, 1, { final: false })))
  // In no epoch that stands: read again by the newer one.
  await trial.write(writer, [2])
  const older = { run, writer, named }

  const newer = await trial.open({ ...context, attempt: 2, resumed: true, standing: 1 })
  await reached('opened', older)
  await newer.sweep(named)
  await reached('swept', older)
  await commitAll(newer, named)
  await reached('committed', older)
  const next = await newer.writer(0, named)
  await trial.write(next, [2, 3])
  await reached('written', older)
  next.seal(2, { final: true })
  await reached('sealed', older)
  const last = asRead(list(await next.prepare(2)))
  await reached('prepared', older)
  await commitAll(newer, last)
  await trial.expectVisible([0, 1, 2, 3])
  await reached('shown', older)
  await commitAll(newer, last)
  await newer.sweep(last)
  await next.close()
  await newer.finish()
  await newer.close()
  await trial.expectVisible([0, 1, 2, 3])
}

/** As the runtime does: what may pass is tried again. */
async function commitAll(run: OpenSink, committables: readonly Json[]): Promise<void> {
  for (let left = committables, tries = 0; left.length > 0; tries++) {
    const outcomes = kinds(await run.commit(left))
    const bad = outcomes.find((kind) => kind === 'lost' || tries > TRIES_MAX)
    if (bad !== undefined) throw new Error(`the newer attempt is answered with ${outcomes.join(', ')}`)
    left = left.filter((_, at) => outcomes[at] === 'retry')
  }
}

const TRIES_MAX = 100

/** As it comes back from a log. */
function asRead(committables: readonly Json[]): readonly Json[] {
  return JSON.parse(JSON.stringify(committables)) as Json[]
}
