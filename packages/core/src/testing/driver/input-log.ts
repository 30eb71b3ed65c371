/**
 * What a test has sent, in the order in which the run is to read it.
 *
 * Rows, watermarks and ends are entries of partitions; each partition is read in its own order. Between partitions the
 * order is that of sending, or one drawn from a seed. An entry can be read when it was released, and the driver releases one
 * when the one before has been through. Invariants (tests quote them):
 *  IL1  A run that begins again gets the entries behind its positions in the order in which they were read first.
 *  IL2  Tables of lookup joins come before everything else.
 */
import type { Batch } from '../../data/batch.ts'

/** One thing that a test sent to a partition. */
export type Entry =
  | { readonly kind: 'rows'; readonly batch: Batch }
  | { readonly kind: 'watermark'; readonly watermark: number }
  | { readonly kind: 'undecodable'; readonly raw: string; readonly reason: string }
  | { readonly kind: 'end' }

/** One partition of a source. */
export class Partition {
  readonly entries: Entry[] = []
  /** Entries that the run may read. */
  released = 0
  /** Entries that epochs of micro-batch mode may be planned with: those before an epoch was asked for. */
  offered = 0
  /** Its reader was asked, and waits for a release. */
  isAwaited = false
  /** The last one that was sent. */
  watermark: number = -Infinity
  #wakers: (() => void)[] = []

  /** Entries before the end, if that was sent. */
  get length(): number {
    return this.entries.length - (this.hasEnded ? 1 : 0)
  }

  get hasEnded(): boolean {
    return this.entries.at(-1)?.kind === 'end'
  }

  /** Resolves when an entry is released. */
  change(): Promise<void> {
    this.isAwaited = true
    return new Promise((resolve) => this.#wakers.push(resolve))
  }

  /** A reader of this process begins here: what lies before was read. */
  beginAt(entry: number): void {
    this.released = Math.max(this.released, entry)
  }

  release(): void {
    this.released++
    this.isAwaited = false
    for (const wake of this.#wakers.splice(0)) wake()
  }

  /** Another process begins. */
  boot(): void {
    this.released = 0
    this.offered = 0
    this.isAwaited = false
    this.#wakers = []
  }
}

/** An entry in the order of all. */
interface Turn {
  readonly partition: Partition
  readonly index: number
}

/** The input of all sources. */
export class InputLog {
  /** Undefined: in the order of sending. */
  readonly #choose: ((below: number) => number) | undefined
  /** Entries in the order in which they were released, by any process. */
  readonly #order: Turn[] = []
  #next = 0
  #waiting: Turn[] = []
  #waitingTables: Turn[] = []
  readonly #partitions = new Set<Partition>()

  constructor(seed: number | undefined) {
    this.#choose = seed === undefined ? undefined : choicesOf(seed)
  }

  add(partitions: Iterable<Partition>): void {
    for (const partition of partitions) this.#partitions.add(partition)
  }

  /** Whether something that was asked waits for its release. */
  get isAwaited(): boolean {
    for (const { isAwaited } of this.#partitions) if (isAwaited) return true
    return false
  }

  /** From now on epochs of micro-batch mode may read all that was sent. */
  offer(): void {
    for (const partition of this.#partitions) partition.offered = partition.entries.length
  }

  send(partition: Partition, entry: Entry, options: { readonly toTable: boolean }): void {
    const turn = { partition, index: partition.entries.length }
    partition.entries.push(entry)
    ;(options.toTable ? this.#waitingTables : this.#waiting).push(turn)
  }

  /** Releases the next entry that was not read yet; false when there is none. */
  releaseNext(): boolean {
    for (;;) {
      if (this.#next === this.#order.length) {
        const chosen = this.#chooseNext()
        if (chosen === undefined) return false
        this.#order.push(chosen)
      }
      const { partition, index } = this.#order[this.#next++] as Turn
      if (index < partition.released) continue
      partition.release()
      return true
    }
  }

  /** Another process begins: everything behind its positions is to be read again (IL1). */
  boot(): void {
    this.#next = 0
    for (const partition of this.#partitions) partition.boot()
  }

  /** The first entry of some partition (IL2). */
  #chooseNext(): Turn | undefined {
    const table = this.#waitingTables.shift()
    if (table !== undefined || this.#waiting.length === 0) return table
    const choose = this.#choose
    if (choose === undefined) return this.#waiting.shift()
    const firsts = new Map<Partition, Turn>()
    for (const turn of this.#waiting) if (!firsts.has(turn.partition)) firsts.set(turn.partition, turn)
    const chosen = [...firsts.values()][choose(firsts.size)] as Turn
    this.#waiting.splice(this.#waiting.indexOf(chosen), 1)
    return chosen
  }
}

/** Choices of a seed: xorshift32 (Marsaglia, Xorshift RNGs, 2003). */
function choicesOf(seed: number): (below: number) => number {
  let state = Math.imul(seed, 2_654_435_761) | 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}
