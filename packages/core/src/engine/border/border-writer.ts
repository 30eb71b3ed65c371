/**
 * The near side of a border between two phases: takes what senders send and hands it on to be written, in its order.
 *
 * Like a sink it may be busy, and then the loop reads nothing (TL1); what the step in hand still sends meanwhile is copied
 * and waits. Invariants (tests quote them):
 *  BO1  What receivers would have been told reaches `append` in the order in which it was sent, over all channels.
 *  BO2  Calls of `append` never overlap, and batches are read before it returns or copied.
 */
import type { GroupRange, StateRows } from '../../checkpoint/state-file.ts'
import { concatBatches } from '../../data/append.ts'
import type { Batch } from '../../data/batch.ts'
import { MARKS, marksToBatch, partOfChannel } from './border-channel.ts'
import type { BorderChannel, BorderMark } from './border-channel.ts'
import type { Receiver } from '../output-port.ts'

/** What a writer is made with. */
export interface BorderWriterOptions {
  readonly channels: readonly BorderChannel[]
  readonly groups: GroupRange
  /** Takes rows: reads the batch before it returns, and is called again when it has resolved. */
  readonly append: (rows: StateRows) => Promise<void>
  /** Told at once when an append fails. */
  readonly failed: (error: unknown) => void
}

/** A channel and its sender's end of it. */
export interface OpenBorderChannel extends BorderChannel {
  readonly receiver: Receiver
}

/** Writes what crosses one border. */
export class BorderWriter {
  readonly channels: readonly OpenBorderChannel[]
  readonly #options: BorderWriterOptions
  readonly #queue: StateRows[] = []
  /** What was said since the last rows. */
  #marks: BorderMark[] = []
  #writing: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(options: BorderWriterOptions) {
    this.#options = options
    this.channels = options.channels.map((channel, at) => ({ ...channel, receiver: this.#receiver(at) }))
  }

  /** Resolves when more may be sent; undefined: at once. */
  get busy(): Promise<void> | undefined {
    return this.#writing
  }

  /** Resolves when everything that was sent is appended. */
  async finish(): Promise<void> {
    this.#sayMarks()
    while (this.#writing !== undefined) await this.#writing
    this.#rethrow()
  }

  /** Gives up what was not appended yet; resolves when nothing is being appended. */
  async close(): Promise<void> {
    this.#queue.length = 0
    await this.#writing
  }

  #receiver(channel: number): Receiver {
    const say = (kind: BorderMark['kind'], watermark = 0): void =>
      void this.#marks.push({ channel, kind, watermark })
    return {
      push: (batch) => this.#push(partOfChannel(channel), batch),
      watermark: (watermark) => say('watermark', watermark),
      idle: (idle) => say(idle ? 'idle' : 'active'),
      end: (drain) => say(drain ? 'end' : 'stop'),
    }
  }

  #push(part: string, batch: Batch): void {
    this.#rethrow()
    this.#sayMarks()
    this.#append(part, batch)
  }

  #sayMarks(): void {
    if (this.#marks.length === 0) return
    const marks = marksToBatch(this.#marks)
    this.#marks = []
    this.#append(MARKS, marks)
  }

  #append(part: string, batch: Batch): void {
    const { append, groups } = this.#options
    if (this.#writing !== undefined) this.#queue.push({ part, groups, batch: concatBatches([batch]) })
    else this.#writing = this.#drain(append({ part, groups, batch }))
  }

  async #drain(first: Promise<void>): Promise<void> {
    try {
      await first
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift())
        await this.#options.append(next)
    } catch (error) {
      this.#failure = { error }
      this.#queue.length = 0
      this.#options.failed(error)
    } finally {
      this.#writing = undefined
    }
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
