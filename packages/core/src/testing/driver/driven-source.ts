/**
 * The source that stands in for one of the pipeline: reads what a test has sent (input-log.ts), partition by partition.
 *
 * The description, the schema and what can be read stay those of the source that it replaces, so that the plan is the same.
 */
import { rowCount } from '../../data/batch.ts'
import { sliceBatch } from '../../data/slice-batch.ts'
import type { Json, Schema } from '../../data/type.ts'
import { MillraceError } from '../../errors.ts'
import type {
  Horizon,
  HorizonWish,
  ReadResult,
  Source,
  SourceContext,
  Split,
  SplitReader,
} from '../../connect/source.ts'
import type { Entry, Partition } from './input-log.ts'

/** Where a reader stands: in front of a row of an entry. */
interface DrivenPosition {
  readonly [name: string]: Json
  readonly v: 1
  readonly entry: number
  readonly row: number
}

interface DrivenHorizon {
  readonly [name: string]: Json
  readonly v: 1
  readonly entry: number
  readonly end: boolean
}

/** The source in place of another one. */
export function drivenSource(
  original: Source,
  schema: Schema,
  partitions: readonly Partition[],
): Source<unknown, DrivenPosition> {
  const { description, supports, splitOrder } = original
  return {
    description,
    schema,
    supports,
    ...(splitOrder === undefined ? {} : { splitOrder }),
    async enumerate() {
      let isTold = false
      return {
        async next() {
          const splits = isTold ? [] : partitions.map((_, index) => splitOf(index))
          isTold = true
          return { splits, done: true }
        },
        close: async () => undefined,
      }
    },
    open: async (split, from, context) => {
      const { partition } = split.detail as { readonly partition: number }
      return new DrivenReader(partitions[partition] as Partition, from, context)
    },
  }
}

function splitOf(partition: number): Split {
  return { id: `partition-${partition}`, detail: { partition }, grows: true }
}

class DrivenReader implements SplitReader<DrivenPosition> {
  readonly #partition: Partition
  readonly #context: SourceContext
  #entry: number
  #row: number
  #horizon: DrivenHorizon | undefined

  constructor(partition: Partition, from: DrivenPosition | undefined, context: SourceContext) {
    this.#partition = partition
    this.#context = context
    this.#entry = from?.entry ?? 0
    this.#row = from?.row ?? 0
    partition.beginAt(this.#entry)
  }

  read(rowsMax: number): ReadResult {
    for (;;) {
      const partition = this.#partition
      const horizon = this.#horizon
      if (horizon !== undefined && this.#entry >= horizon.entry)
        return horizon.end ? { kind: 'end' } : { kind: 'idle', atHorizon: true }
      if (this.#entry >= partition.released) return { kind: 'idle', until: partition.change() }
      const result = this.#readEntry(partition.entries[this.#entry] as Entry, rowsMax)
      if (result !== undefined) return result
    }
  }

  #readEntry(entry: Entry, rowsMax: number): ReadResult | undefined {
    if (entry.kind === 'end') return { kind: 'end' }
    if (entry.kind === 'rows') {
      const from = this.#row
      const to = Math.min(rowCount(entry.batch), from + rowsMax)
      this.#row = to
      if (to === rowCount(entry.batch)) this.#nextEntry()
      return { kind: 'batch', batch: sliceBatch(entry.batch, from, to - from) }
    }
    this.#nextEntry()
    if (entry.kind === 'watermark') return entry
    this.#reject(entry)
    return undefined
  }

  #nextEntry(): void {
    this.#entry++
    this.#row = 0
  }

  #reject({ raw, reason }: Entry & { readonly kind: 'undecodable' }): void {
    const { rejected, step } = this.#context
    if (rejected === undefined)
      throw new MillraceError('input/undecodable', {
        what: 'a row cannot be decoded',
        detail: reason,
        hint: "the test has sent it; with onError: 'reject' the pipeline gets it as a row of .rejected",
      })
    const nowhere = { file: undefined, line: undefined, byte: undefined }
    rejected({ source: step, raw, reason, code: 'input/undecodable', ...nowhere })
  }

  position(): DrivenPosition {
    return { v: 1, entry: this.#entry, row: this.#row }
  }

  async horizon({ within }: HorizonWish): Promise<Horizon | undefined> {
    const partition = this.#partition
    const bound = within as DrivenHorizon | undefined
    const { offered, length } = partition
    const entry = Math.min(offered, length, bound?.entry ?? Infinity)
    const end = partition.hasEnded && offered > length && entry === length && bound?.end !== false
    if (entry <= this.#entry && !end) return undefined
    return { to: { v: 1, entry, end } satisfies DrivenHorizon, bytes: 0 }
  }

  readTo(to: Json): void {
    this.#horizon = to as DrivenHorizon
  }

  bytesRead(): number {
    return 0
  }

  async close(): Promise<void> {
    // Nothing is held.
  }
}
