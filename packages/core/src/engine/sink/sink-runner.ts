/**
 * The end of a stream: hands batches to a sink writer, one at a time, and marks where epochs end between them.
 *
 * A writer that answers with a promise is busy: the loop takes no further input until it is free. What the step in
 * hand still emits meanwhile is copied and waits here, so the bound is one step's output. Invariants (tests quote them):
 *  SK1  Calls of `write` and `seal` never overlap, and come in the order in which batches and seals were given.
 *  SK2  Calls of `prepare` come in the order of the seals and never overlap each other; rows of later epochs are written
 *       meanwhile.
 *  SK3  Whoever waits for `prepare` gets an answer: after a failed write its error, after the end of the run another.
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount } from '../../data/batch.ts'
import { concatBatches } from '../../data/append.ts'
import type { Json } from '../../data/type.ts'
import { assert, MillraceError } from '../../errors.ts'
import type { EpochId, SinkWriter } from '../../connect/sink.ts'
import { writeFailure } from '../connector-failure.ts'
import type { Operator, OperatorContext } from '../operator.ts'
import type { StepWaits } from './sink-waits.ts'

/** The end of an epoch among the batches. */
interface Seal {
  readonly epoch: EpochId
  readonly final: boolean
  /** Resolves `done`: the writer has the seal, or never will. */
  readonly reached: () => void
  readonly done: Promise<void>
}

/** What a runner tells. */
export interface SinkEvents {
  /** Called at once when a write fails that was answered with a promise. */
  readonly failed: (error: unknown) => void
  readonly waits: StepWaits
}

/** Feeds one writer. */
export class SinkRunner implements Operator {
  readonly step: string
  private readonly writer: SinkWriter
  private readonly context: OperatorContext
  private readonly events: SinkEvents
  private readonly queue: (Batch | Seal)[] = []
  /** Sealed epochs that nobody has asked to prepare. */
  private readonly seals = new Map<EpochId, Seal>()
  private writing: Promise<void> | undefined
  private preparing: Promise<unknown> = Promise.resolve()
  private failure: { readonly error: unknown } | undefined

  constructor(step: string, writer: SinkWriter, context: OperatorContext, events: SinkEvents) {
    this.step = step
    this.writer = writer
    this.context = context
    this.events = events
  }

  /** Resolves when the writer is free; undefined when it is. */
  get busy(): Promise<void> | undefined {
    return this.writing
  }

  push(batch: Batch): void {
    this.context.counters.rowsOut += rowCount(batch)
    this.rethrow()
    if (this.writing !== undefined) {
      this.queue.push(concatBatches([batch]))
      return
    }
    const answer = this.write(batch)
    if (answer !== undefined) this.writing = this.drain(answer)
  }

  advance(): boolean {
    return true
  }

  written(): { readonly rows: number; readonly bytes: number } {
    return this.writer.written()
  }

  /** The cut of an epoch: what was pushed before belongs to it, also what still waits to be written. */
  seal(epoch: EpochId, final: boolean): void {
    this.rethrow()
    const seal = newSeal(epoch, final)
    this.seals.set(epoch, seal)
    if (this.writing === undefined) this.sealWriter(seal)
    else this.queue.push(seal)
  }

  /** Everything pushed before the seal of `epoch` is durable or hidden at the target. Once for every seal, in their order. */
  prepare(epoch: EpochId): Promise<Json | undefined> {
    const seal = this.seals.get(epoch)
    assert(seal !== undefined, `epoch ${epoch} of step "${this.step}" is prepared and was not sealed`)
    this.seals.delete(epoch)
    const answer = this.preparing.then(() => this.prepareSealed(seal))
    this.preparing = answer.catch(() => undefined)
    return answer
  }

  close(): void {
    this.failure ??= {
      error: new MillraceError('run/cancelled', { what: 'the run is over', step: this.step }),
    }
    this.dropQueue()
  }

  /** Frees the writer; what was not prepared is given up. `atMost` waits for what may hang. */
  async closeWriter(atMost: (work: Promise<unknown> | undefined) => Promise<void>): Promise<void> {
    await atMost(this.writing)
    await atMost(this.writer.close())
    await atMost(this.preparing)
  }

  private async prepareSealed(seal: Seal): Promise<Json | undefined> {
    await seal.done
    this.rethrow()
    try {
      return await this.events.waits.during('preparing', this.writer.prepare(seal.epoch))
    } catch (error) {
      throw writeFailure(error, 'preparing', this.step)
    }
  }

  private write(batch: Batch): void | Promise<void> {
    try {
      return this.writer.write(batch)
    } catch (error) {
      throw writeFailure(error, 'writing', this.step)
    }
  }

  private sealWriter({ epoch, final, reached }: Seal): void {
    try {
      this.writer.seal(epoch, { final })
    } catch (error) {
      this.failure = { error: writeFailure(error, 'preparing', this.step) }
      throw this.failure.error
    } finally {
      reached()
    }
  }

  private async drain(first: Promise<void>): Promise<void> {
    try {
      await this.events.waits.during('writing', first)
      for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
        if ('epoch' in next) this.sealWriter(next)
        else await this.writeQueued(next)
      }
    } catch (error) {
      this.failure ??= { error: writeFailure(error, 'writing', this.step) }
      this.events.failed(this.failure.error)
    } finally {
      this.writing = undefined
      this.dropQueue()
    }
  }

  private async writeQueued(batch: Batch): Promise<void> {
    const answer = this.writer.write(batch)
    if (answer !== undefined) await this.events.waits.during('writing', answer)
  }

  /** SK3 */
  private dropQueue(): void {
    for (const next of this.queue.splice(0)) if ('epoch' in next) next.reached()
  }

  private rethrow(): void {
    if (this.failure !== undefined) throw this.failure.error
  }
}

function newSeal(epoch: EpochId, final: boolean): Seal {
  let reached = (): void => undefined
  const done = new Promise<void>((resolve) => {
    reached = resolve
  })
  return { epoch, final, reached, done }
}
