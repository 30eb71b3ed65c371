/**
 * The far side of a border between two phases: tells receivers what senders told, as one of the inputs of the loop.
 *
 * Invariants (tests quote them):
 *  BO3  Receivers hear rows and marks of all channels in the order in which they were sent. One of them per step: a mark may
 *       make windows due, and their rows leave before the next is told (SR1).
 *  BO4  At most a few batches are in memory, however long the border is.
 */
import type { StateRows } from '../../checkpoint/state-file.ts'
import type { Exchange } from '../../plan/physical.ts'
import { MARKS, marksOf, partOfChannel } from './border-channel.ts'
import type { BorderMark } from './border-channel.ts'
import type { LoopInput } from '../loop/loop-input.ts'
import type { OpenChannel, Receiver, TaskPlace } from '../output-port.ts'

/** What a reader is made with. */
export interface BorderReaderOptions {
  readonly forTable: boolean
  /** As `BorderWriter` wrote it. */
  readonly rows: AsyncGenerator<StateRows>
  /** By number: the edge and the sender. */
  readonly channels: readonly { readonly exchange: Exchange; readonly sender: TaskPlace }[]
  readonly events: { wake(): void; failed(error: unknown): void }
}

/** Blocks that are read ahead. */
const AHEAD = 4

/** Reads one border. */
export class BorderReader implements LoopInput {
  readonly forTable: boolean
  readonly #options: BorderReaderOptions
  readonly #ready: StateRows[] = []
  #marks: readonly BorderMark[] = []
  #nextMark = 0
  #filling: Promise<void> | undefined
  #atEnd = false
  #channels: readonly OpenChannel[] = []
  #channelOfPart: ReadonlyMap<string, OpenChannel> = new Map()

  constructor(options: BorderReaderOptions) {
    this.#options = options
    this.forTable = options.forTable
  }

  get done(): boolean {
    return this.#atEnd && this.#ready.length === 0 && this.#nextMark === this.#marks.length
  }

  /** Says where the channels lead; before the first turn. */
  connect(receiversOf: (exchange: Exchange, sender: TaskPlace) => OpenChannel): void {
    this.#channels = this.#options.channels.map(({ exchange, sender }) => receiversOf(exchange, sender))
    this.#channelOfPart = new Map(this.#channels.map((channel, at) => [partOfChannel(at), channel]))
  }

  async open(): Promise<void> {
    this.#fill()
  }

  turn(ask: boolean): boolean {
    if (!ask) return false
    if (this.#sayMark()) return true
    const next = this.#ready.shift()
    if (this.#ready.length < AHEAD / 2) this.#fill()
    if (next === undefined) return false
    if (next.part === MARKS) {
      this.#marks = marksOf(next.batch)
      this.#nextMark = 0
      this.#sayMark()
    } else this.#channelOfPart.get(next.part)?.route(next.batch)
    return true
  }

  async close(): Promise<void> {
    this.#atEnd = true
    await this.#filling
    await this.#options.rows.return(undefined)
  }

  #sayMark(): boolean {
    const mark = this.#marks[this.#nextMark]
    if (mark === undefined) return false
    this.#nextMark++
    for (const receiver of this.#channels[mark.channel]?.receivers ?? []) tell(receiver, mark)
    return true
  }

  #fill(): void {
    if (this.#atEnd || this.#filling !== undefined) return
    this.#filling = this.#read()
      .catch(this.#options.events.failed)
      .finally(() => {
        this.#filling = undefined
        this.#options.events.wake()
      })
  }

  async #read(): Promise<void> {
    while (!this.#atEnd && this.#ready.length < AHEAD) {
      const next = await this.#options.rows.next()
      if (next.done === true) this.#atEnd = true
      else this.#ready.push(next.value)
      this.#options.events.wake()
    }
  }
}

function tell(receiver: Receiver, { kind, watermark }: BorderMark): void {
  switch (kind) {
    case 'watermark':
      return receiver.watermark(watermark)
    case 'idle':
    case 'active':
      return receiver.idle(kind === 'idle')
    case 'end':
    case 'stop':
      return receiver.end(kind === 'end')
  }
}
