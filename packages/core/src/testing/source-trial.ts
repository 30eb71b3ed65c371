/**
 * A source while the conformance suite tries it: what it is set up with, and what tests do to it.
 */
import type { Batch } from '../data/batch.ts'
import { batchToRows } from '../data/read-value.ts'
import type { Json } from '../data/type.ts'
import type { Host } from '../host/host.ts'
import type { Horizon, ReadResult, Source, SourceContext, Split, SplitReader } from '../connect/source.ts'

/** A source with known rows, freshly set up for one test. */
export interface SourceSubject {
  readonly host: Host
  readonly source: Source
  /** All rows of a batch run, split by split in order; a few dozen at most, since every position is tried. */
  readonly rows: readonly object[]
  /** Lets time pass while the source idles; default: one turn of the event loop. */
  wait?(): Promise<void>
  cleanup?(): Promise<void>
}

/** A source that follows its input. */
export interface FollowedSubject extends SourceSubject {
  /** Adds input; `rows` are then what a reader finds in all, in any order of splits. */
  readonly more: () => Promise<readonly object[]>
}

/** Rounds of waiting before a source that says nothing counts as stuck. */
export const WAITS_MAX: number = 200
/** More rows than any subject has. */
export const ROWS_MANY: number = 10_000

/** A subject with what tests do to it. */
export class OpenedSource {
  readonly host: Host
  readonly source: Source
  readonly rows: readonly object[]
  readonly subject: SourceSubject
  readonly context: SourceContext

  constructor(
    subject: SourceSubject,
    boundedness: SourceContext['boundedness'],
    source: Source = subject.source,
  ) {
    this.subject = subject
    this.host = subject.host
    this.source = source
    this.rows = subject.rows
    this.context = { host: subject.host, boundedness, step: 'read', rejected: undefined }
  }

  with(source: Source): OpenedSource {
    return new OpenedSource(this.subject, this.context.boundedness, source)
  }

  async splits(): Promise<Split[]> {
    const enumerator = await this.source.enumerate(this.context)
    const splits: Split[] = []
    for (let calls = 0; calls < WAITS_MAX; calls++) {
      const found = await enumerator.next()
      splits.push(...found.splits)
      if (found.done) {
        await enumerator.close()
        await enumerator.close()
        return splits
      }
      await this.wait()
    }
    throw new Error('the enumerator of a bounded source does not end')
  }

  /** The splits of what is there now. */
  async present(): Promise<readonly Split[]> {
    const enumerator = await this.source.enumerate(this.context)
    const splits: Split[] = []
    for (let quiet = 0; quiet < 5; quiet++) {
      const found = await enumerator.next()
      splits.push(...found.splits)
      if (found.done) break
      await this.wait()
    }
    await enumerator.close()
    return splits
  }

  /** As far as a reader can go now; waits a little for something to be there. */
  async horizon(reader: SplitReader): Promise<Horizon | undefined> {
    if (reader.horizon === undefined || reader.readTo === undefined)
      throw new Error('a split that grows has a reader without horizon')
    for (let waits = 0; waits < WAITS_MAX; waits++) {
      const horizon = await reader.horizon({ bytesMax: undefined, within: undefined })
      if (horizon !== undefined) return JSON.parse(JSON.stringify(horizon)) as Horizon
      await this.wait()
    }
    return undefined
  }

  async readToHorizon(split: Split, to: Json, rowsMax: number, from?: Json): Promise<object[]> {
    let rows: object[] = []
    await this.withReader(split, from, async (reader) => {
      reader.readTo?.(to)
      rows = await this.readOn(reader, rowsMax)
    })
    return rows
  }

  /** Reads until the reader is at its horizon or end. */
  async readOn(reader: SplitReader, rowsMax: number): Promise<object[]> {
    const rows: object[] = []
    for (let waits = 0; waits < WAITS_MAX;) {
      const result: ReadResult = await reader.read(rowsMax)
      if (result.kind === 'end') return rows
      if (result.kind === 'batch') {
        rows.push(...batchToRows(result.batch))
        continue
      }
      if (result.kind === 'watermark') continue
      if (result.atHorizon === true) return rows
      waits++
      await this.wait()
      await result.until
    }
    throw new Error('the reader does not come to its horizon')
  }

  /** What an enumerator finds that goes on from a memory, until some looks bring nothing more. */
  async found(remembered: ReadonlyMap<string, Json>): Promise<{
    readonly ids: readonly string[]
    readonly done: boolean
    readonly remembered: ReadonlyMap<string, Json>
  }> {
    const memory = new Map(JSON.parse(JSON.stringify([...remembered])) as [string, Json][])
    const enumerator = await this.source.enumerate(this.context, new Map(memory))
    const ids: string[] = []
    let done = false
    try {
      for (let quiet = 0; quiet < 5 && !done;) {
        const found = await enumerator.next()
        ids.push(...found.splits.map(({ id }) => id))
        for (const [key, value] of found.remember ?? []) {
          if (value === undefined) memory.delete(key)
          else memory.set(key, value)
        }
        quiet = found.splits.length === 0 ? quiet + 1 : 0
        done = found.done
        await this.wait()
      }
    } finally {
      await enumerator.close()
    }
    return { ids, done, remembered: memory }
  }

  /** Opens a split as another process would: with what was written down of it. */
  open(split: Split, from?: Json): Promise<SplitReader> {
    return this.source.open(JSON.parse(JSON.stringify(split)) as Split, from, this.context)
  }

  async withReader(
    split: Split,
    from: Json | undefined,
    use: (reader: SplitReader) => Promise<void>,
  ): Promise<void> {
    const reader = await this.open(split, from)
    try {
      await use(reader)
    } finally {
      await reader.close()
    }
  }

  /** The next batch; undefined at the end. Waits while the source idles. */
  async nextBatch(reader: SplitReader, rowsMax: number): Promise<Batch | undefined> {
    for (let waits = 0; waits < WAITS_MAX; waits++) {
      const result: ReadResult = await reader.read(rowsMax)
      if (result.kind === 'batch') return result.batch
      if (result.kind === 'end') return undefined
      await this.wait()
      if (result.kind === 'idle') await result.until
    }
    throw new Error('the source idles and does not end')
  }

  async readSplit(split: Split, rowsMax: number, from?: Json): Promise<object[]> {
    const rows: object[] = []
    await this.withReader(split, from, async (reader) => {
      for (;;) {
        const batch = await this.nextBatch(reader, rowsMax)
        if (batch === undefined) return
        rows.push(...batchToRows(batch))
      }
    })
    return rows
  }

  /** Reads `count` rows one by one; the position is that behind them. */
  async readSome(split: Split, count: number, from?: Json): Promise<{ rows: object[]; position: Json }> {
    const rows: object[] = []
    let position: Json = null
    await this.withReader(split, from, async (reader) => {
      while (rows.length < count) {
        const batch = await this.nextBatch(reader, 1)
        if (batch === undefined) break
        rows.push(...batchToRows(batch))
      }
      position = reader.position()
    })
    return { rows, position }
  }

  async readAll(splits: readonly Split[], rowsMax: number): Promise<object[]> {
    const rows: object[] = []
    for (const split of splits) rows.push(...(await this.readSplit(split, rowsMax)))
    return rows
  }

  async wait(): Promise<void> {
    await (this.subject.wait === undefined ? this.host.timers.yield() : this.subject.wait())
  }
}
