/**
 * What sinks promise about epochs that overlap, and about runs that are killed: parts of the suite of sinks.
 */
import type { Json } from '../data/type.ts'
import type { OpenSink, SinkWriter } from '../connect/sink.ts'
import type { Declare, TestTools } from './conformance.ts'
import { list, prepareEpoch, SinkTrial } from './sink-trial.ts'
import type { SinkSubject } from './sink-trial.ts'

type DeclareSink = (name: string, body: (job: SinkTrial) => Promise<void>) => void

/** Declares the tests of epochs that end while rows go on. */
export function declareEpochs(test: DeclareSink, { expect }: TestTools): void {
  test('takes rows behind a seal for a later epoch, before it is asked to prepare and meanwhile', async (job) => {
    const run = await job.open()
    const writer = await run.writer(0)
    await job.write(writer, [0, 1])
    writer.seal(1, { final: false })
    await job.write(writer, [2])
    const answer = writer.prepare(1)
    await job.write(writer, [3])
    await run.commit(list(await answer))
    await job.expectVisible([0, 1])
    await job.write(writer, [4])
    await run.commit(list(await prepareEpoch(writer, 2, { final: true })))
    await job.expectVisible([0, 1, 2, 3, 4])
  })

  test('seals epochs while earlier ones are being prepared', async (job) => {
    const run = await job.open()
    const writer = await run.writer(0)
    await job.write(writer, [0])
    writer.seal(1, { final: false })
    await job.write(writer, [1])
    writer.seal(2, { final: false })
    const first = writer.prepare(1)
    await job.write(writer, [2, 3])
    writer.seal(3, { final: true })
    await run.commit(list(await first))
    await job.expectVisible([0])
    await run.commit(list(await writer.prepare(2)))
    await job.expectVisible([0, 1])
    await run.commit(list(await writer.prepare(3)))
    await job.expectVisible([0, 1, 2, 3])
  })

  for (const state of ['sealed', 'being prepared', 'prepared', 'written behind'] as const) {
    test(`closes when an epoch is ${state}, and shows what it answered and nothing else`, async (job) => {
      const run = await job.open()
      const writer = await run.writer(0)
      await job.write(writer, [0, 1])
      writer.seal(1, { final: false })
      const answers: Json[] = []
      if (state !== 'sealed') {
        const answer = writer.prepare(1).then(
          (committable) => answers.push(...list(committable)),
          () => undefined,
        )
        if (state !== 'being prepared') await answer
        if (state === 'written behind') await job.write(writer, [2])
        await Promise.all([answer, writer.close()])
      }
      await writer.close()
      await job.expectVisible([])
      await run.commit(answers)
      await job.expectVisible(answers.length > 0 ? [0, 1] : [])
      if (state === 'prepared') expect(answers.length).toEqual(1)
      await run.close()
    })
  }
}

/** Declares the tests of runs that are killed and go on in later attempts. */
export function declareKills(
  declare: Declare,
  tools: TestTools,
  options: { readonly setup: () => Promise<SinkSubject>; readonly holdsBack?: boolean },
): void {
  const kills = async (points: readonly Step[]): Promise<void> => {
    for (const [at, first] of points.entries()) {
      for (const second of [undefined, 'open 1', 'manifest 1'] as const) {
        const subject = await options.setup()
        try {
          const life = new JobLife(new SinkTrial(subject, tools), options.holdsBack ?? false)
          const tasks = at % 2 === 0 ? 1 : 3
          await life.attempt({ tasks: 2, killedBehind: first })
          if (second !== undefined) await life.attempt({ tasks, killedBehind: second })
          await life.attempt({ tasks, killedBehind: undefined })
        } finally {
          await subject.cleanup?.()
        }
      }
    }
  }
  declare('shows every row once, wherever a run is killed before its commits', () => kills(BEFORE_COMMIT))
  declare('shows every row once when a run is killed behind a commit', () =>
    kills(['commit 1', 'commit 2', 'delivered 2']),
  )
}

/** A point of an attempt: what it does, in its first, second or third epoch. */
type Step =
  `${'open' | 'write' | 'seal' | 'behind' | 'prepare' | 'manifest' | 'commit' | 'delivered'} ${1 | 2 | 3}`

const BEFORE_COMMIT: readonly Step[] = [
  'open 1', 'write 1', 'seal 1', 'behind 1', 'prepare 1', 'manifest 1', 'seal 2', 'prepare 2', 'manifest 2', 'manifest 3',
] // prettier-ignore

/** Rows of the whole job. */
const ROWS = 40
/** Rows that are written at a time. */
const STEP_ROWS = 3

class Killed extends Error {}

interface Plan {
  readonly tasks: number
  readonly killedBehind: Step | undefined
}

/** A job over its attempts; its fields are what the log of the job would keep. */
class JobLife {
  readonly #trial: SinkTrial
  readonly #holdsBack: boolean
  #attempts = 0
  #epoch = 0
  /** Rows up to the cut of the newest manifest. */
  #cut = 0
  /** Committables of the newest manifest's own epoch. */
  #newest: readonly Json[] = []
  /** Committables that nobody is known to have committed, by epoch. */
  #owed: readonly (readonly Json[])[] = []

  constructor(trial: SinkTrial, holdsBack: boolean) {
    this.#trial = trial
    this.#holdsBack = holdsBack
  }

  /** One attempt, killed or to the end. */
  async attempt(plan: Plan): Promise<void> {
    try {
      await this.#run(plan, (step) => {
        if (step === plan.killedBehind) throw new Killed()
      })
    } catch (error) {
      if (!(error instanceof Killed)) throw error
    }
  }

  async #run({ tasks, killedBehind }: Plan, done: (step: Step) => void): Promise<void> {
    const run = await this.#open()
    const writers: SinkWriter[] = []
    for (let task = 0; task < tasks; task++) {
      writers.push(
        await run.writer(
          task,
          this.#newest.filter((_, index) => index % tasks === task),
        ),
      )
    }
    done('open 1')
    let row = this.#cut
    const write = async (): Promise<void> => {
      for (const writer of writers) {
        const to = Math.min(row + STEP_ROWS, ROWS)
        await this.#trial.write(
          writer,
          Array.from({ length: to - row }, (_, n) => row + n),
        )
        row = to
      }
    }
    for (const number of [1, 2, 3] as const) {
      await write()
      done(`write ${number}`)
      const cut = row
      const final = number === 3 && killedBehind === undefined
      if (final) while (row < ROWS) await write()
      const epoch = this.#epoch + 1
      for (const writer of writers) writer.seal(epoch, { final })
      done(`seal ${number}`)
      if (!final) await write()
      done(`behind ${number}`)
      const answers = await Promise.all(writers.map((writer) => writer.prepare(epoch)))
      done(`prepare ${number}`)
      this.#stands(epoch, final ? row : cut, answers.flatMap(list))
      done(`manifest ${number}`)
      await this.#deliver(run, () => done(`commit ${number}`))
      done(`delivered ${number}`)
    }
    for (const writer of writers) await writer.close()
    await run.finish()
    await run.close()
    await this.#trial.expectVisible(Array.from({ length: ROWS }, (_, n) => n))
  }

  /** What a start does before anything else. */
  async #open(): Promise<OpenSink> {
    const attempt = ++this.#attempts
    const resumed = this.#epoch > 0
    const run = await this.#trial.open({ attempt, bounded: false, resumable: true, resumed })
    await run.sweep([...this.#owed.flat(), ...this.#newest])
    await this.#deliver(run, () => undefined)
    const isAllOut =
      this.#newest.length > 0 && this.#newest.every((committable) => run.holdsBack?.(committable) === false)
    if (!this.#holdsBack || isAllOut)
      await this.#trial.expectVisible(Array.from({ length: this.#cut }, (_, n) => n))
    return run
  }

  #stands(epoch: number, cut: number, committables: readonly Json[]): void {
    // As it comes back from a log.
    const read = JSON.parse(JSON.stringify(committables)) as Json[]
    this.#epoch = epoch
    this.#cut = cut
    this.#newest = read
    this.#owed = [...this.#owed, read]
  }

  async #deliver(run: OpenSink, done: () => void): Promise<void> {
    for (const committables of this.#owed) {
      const outcomes = await run.commit(committables)
      const lost = outcomes.find(({ kind }) => kind === 'lost' || kind === 'retry')
      if (lost !== undefined) throw new Error(`a commit is answered with ${JSON.stringify(lost)}`)
    }
    done()
    this.#owed = []
  }
}
