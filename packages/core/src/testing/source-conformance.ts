/**
 * The suite that every source passes: what the engine relies on in connect/source.ts, tried from outside.
 */
import { batchToRows } from '../data/read-value.ts'
import type { Json } from '../data/type.ts'
import type { Source, SplitReader } from '../connect/source.ts'
import type { ConformanceOptions, Declare, TestTools } from './conformance.ts'
import { declareSuite } from './conformance.ts'
import { declareHorizons } from './source-horizons.ts'
import { OpenedSource, ROWS_MANY, WAITS_MAX } from './source-trial.ts'
import type { FollowedSubject, SourceSubject } from './source-trial.ts'

export type { FollowedSubject, SourceSubject } from './source-trial.ts'

/** What is tried. */
export interface SourceConformanceOptions extends ConformanceOptions {
  /** A subject that is read as a bounded source, to its end; absent when it has none. */
  readonly bounded?: () => Promise<SourceSubject>
  /** A subject that is followed; absent when the source has no such mode. */
  readonly unbounded?: () => Promise<FollowedSubject>
}

/**
 * Declares the tests of a source.
 *
 * @example
 * sourceConformance({ describe, test, expect }, { name: 'my source', bounded: async () => ({ host, source, rows }) })
 */
export function sourceConformance(tools: TestTools, options: SourceConformanceOptions): void {
  declareSuite(tools, options, (declare) => {
    if (options.bounded !== undefined) declareBounded(declare, tools, options.bounded)
    if (options.unbounded !== undefined) declareUnbounded(declare, tools, options.unbounded)
  })
}

type DeclareSource = (name: string, body: (subject: OpenedSource) => Promise<void>) => void

function declareBounded(declare: Declare, tools: TestTools, setup: () => Promise<SourceSubject>): void {
  const test: DeclareSource = (name, body) =>
    declare(name, async () => {
      const subject = await setup()
      try {
        await body(new OpenedSource(subject, 'bounded'))
      } finally {
        await subject.cleanup?.()
      }
    })
  declareReading(test, tools)
  declarePositions(test, tools)
  declareLifetimes(test, tools)
  declarePushdown(test, tools)
}

function declareReading(test: DeclareSource, { expect }: TestTools): void {
  test('lists the same splits each time, each with a name of its own', async (subject) => {
    const first = await subject.splits()
    expect(await subject.splits()).toEqual(first)
    expect(new Set(first.map(({ id }) => id)).size).toEqual(first.length)
    expect(JSON.parse(JSON.stringify(first))).toEqual(first)
  })

  test('gives all rows and ends, whatever number of rows is asked for', async (subject) => {
    const splits = await subject.splits()
    for (const rowsMax of [1, 2, 3, 7, 64, ROWS_MANY]) {
      expect(await subject.readAll(splits, rowsMax)).toEqual(subject.rows)
    }
  })

  test('gives no more rows than asked for', async (subject) => {
    for (const split of await subject.splits()) {
      await subject.withReader(split, undefined, async (reader) => {
        for (;;) {
          const batch = await subject.nextBatch(reader, 3)
          if (batch === undefined) return
          expect(batchToRows(batch).length <= 3).toEqual(true)
        }
      })
    }
  })

  test('stays at the end', async (subject) => {
    for (const split of await subject.splits()) {
      await subject.withReader(split, undefined, async (reader) => {
        while ((await subject.nextBatch(reader, ROWS_MANY)) !== undefined);
        expect(await subject.nextBatch(reader, 1)).toEqual(undefined)
      })
    }
  })

  test('reads several splits side by side', async (subject) => {
    const splits = await subject.splits()
    const readers = await Promise.all(splits.map((split) => subject.open(split)))
    const rows = splits.map((): object[] => [])
    let open = readers.map((_, index) => index)
    while (open.length > 0) {
      const batches = await Promise.all(
        open.map((index) => subject.nextBatch(readers[index] as SplitReader, 2)),
      )
      for (const [at, batch] of batches.entries()) {
        if (batch !== undefined) rows[open[at] as number]?.push(...batchToRows(batch))
      }
      open = open.filter((_, at) => batches[at] !== undefined)
    }
    for (const reader of readers) await reader.close()
    expect(rows.flat()).toEqual(subject.rows)
  })
}

function declarePositions(test: DeclareSource, { expect }: TestTools): void {
  test('goes on exactly where any position was taken', async (subject) => {
    for (const split of await subject.splits()) {
      const whole = await subject.readSplit(split, ROWS_MANY)
      for (let taken = 0; taken <= whole.length; taken++) {
        const { rows, position } = await subject.readSome(split, taken)
        expect(rows).toEqual(whole.slice(0, taken))
        const rest = await subject.readSplit(split, 3, JSON.parse(JSON.stringify(position)) as Json)
        expect(rest).toEqual(whole.slice(taken))
      }
    }
  })

  test('goes on from a position that was taken after going on', async (subject) => {
    for (const split of await subject.splits()) {
      const whole = await subject.readSplit(split, ROWS_MANY)
      let position: Json | undefined
      for (const row of whole) {
        const step = await subject.readSome(split, 1, position)
        expect(step.rows).toEqual([row])
        position = step.position
      }
      expect(await subject.readSplit(split, 3, position)).toEqual([])
    }
  })

  test('does not move by being asked for its position', async (subject) => {
    for (const split of await subject.splits()) {
      await subject.withReader(split, undefined, async (reader) => {
        do expect(reader.position()).toEqual(reader.position())
        while ((await subject.nextBatch(reader, 2)) !== undefined)
      })
    }
  })
}

function declareLifetimes(test: DeclareSource, { expect }: TestTools): void {
  test('keeps a batch as it is until the next read', async (subject) => {
    for (const split of await subject.splits()) {
      await subject.withReader(split, undefined, async (reader) => {
        for (;;) {
          const batch = await subject.nextBatch(reader, 5)
          if (batch === undefined) return
          const before = batchToRows(batch)
          reader.position()
          reader.bytesRead()
          for (let turn = 0; turn < 10; turn++) await subject.host.timers.yield()
          expect(batchToRows(batch)).toEqual(before)
        }
      })
    }
  })

  test('closes at any time and more than once', async (subject) => {
    for (const split of await subject.splits()) {
      for (const reads of [0, 1, 2]) {
        const reader = await subject.open(split)
        for (let read = 0; read < reads; read++) await subject.nextBatch(reader, 1)
        await reader.close()
        await reader.close()
      }
    }
  })
}

function declarePushdown(test: DeclareSource, { expect }: TestTools): void {
  test('gives exactly the columns that it is asked for', async (subject) => {
    const { source } = subject
    const names = source.schema.fields.map(({ name }) => name)
    if (source.withPushdown === undefined) return
    for (const columns of [...names.map((name) => [name]), names.slice(1), names]) {
      const pushed = subject.with(source.withPushdown({ columns, predicate: undefined }))
      const wanted = subject.rows.map((row) =>
        Object.fromEntries(Object.entries(row).filter(([name]) => columns.includes(name))),
      )
      expect(pushed.source.schema.fields.map(({ name }) => name)).toEqual(columns)
      expect(await pushed.readAll(await pushed.splits(), 5)).toEqual(wanted)
    }
  })

  test('counts rows when no column is asked for', async (subject) => {
    if (subject.source.withPushdown === undefined) return
    const pushed = subject.with(subject.source.withPushdown({ columns: [], predicate: undefined }))
    const rows = await pushed.readAll(await pushed.splits(), 4)
    expect(rows).toEqual(subject.rows.map(() => ({})))
  })
}

function declareUnbounded(
  declare: Declare,
  { expect }: TestTools,
  setup: () => Promise<FollowedSubject>,
): void {
  declare('follows its input: idles, and gives what is added', async () => {
    const subject = await setup()
    const following = new Following(new OpenedSource(subject, 'unbounded'))
    try {
      expect(await following.readUntilQuiet(subject.rows.length)).toEqual(sorted(subject.rows))
      const all = await subject.more()
      expect(await following.readUntilQuiet(all.length)).toEqual(sorted(all))
    } finally {
      await following.close()
      await subject.cleanup?.()
    }
  })

  declare('finds nothing again when it goes on from what it remembered', async () => {
    const subject = await setup()
    const first = new OpenedSource(subject, 'unbounded')
    try {
      const before = await first.found(new Map())
      // Who has said that there are no more is never asked again.
      if (before.done) return
      const unchanged = await first.found(before.remembered)
      expect(unchanged.ids).toEqual([])
      await subject.more()
      const after = await first.found(unchanged.remembered)
      expect(after.ids.filter((id) => before.ids.includes(id))).toEqual([])
      expect((await first.found(after.remembered)).ids).toEqual([])
    } finally {
      await subject.cleanup?.()
    }
  })

  declareHorizons(declare, { expect }, setup)

  declare('can be closed while it idles', async () => {
    const subject = await setup()
    const following = new Following(new OpenedSource(subject, 'unbounded'))
    try {
      await following.readUntilQuiet(subject.rows.length)
    } finally {
      await following.close()
      await following.close()
      await subject.cleanup?.()
    }
  })
}

/** Reads everything that a followed source finds. */
class Following {
  readonly #subject: OpenedSource
  readonly #rows: object[] = []
  readonly #readers = new Set<SplitReader>()
  #enumerator: Awaited<ReturnType<Source['enumerate']>> | undefined

  constructor(subject: OpenedSource) {
    this.#subject = subject
  }

  /** Reads until `count` rows are there and some rounds brought nothing more; sorted. */
  async readUntilQuiet(count: number): Promise<object[]> {
    this.#enumerator ??= await this.#subject.source.enumerate(this.#subject.context)
    let quiet = 0
    for (let round = 0; round < WAITS_MAX && quiet < 5; round++) {
      const before = this.#rows.length
      for (const split of (await this.#enumerator.next()).splits)
        this.#readers.add(await this.#subject.open(split))
      for (const reader of this.#readers) await this.#readNow(reader)
      await this.#subject.wait()
      quiet = this.#rows.length >= count && this.#rows.length === before ? quiet + 1 : 0
    }
    return sorted(this.#rows)
  }

  async #readNow(reader: SplitReader): Promise<void> {
    for (;;) {
      const result = await reader.read(3)
      if (result.kind === 'batch') this.#rows.push(...batchToRows(result.batch))
      else {
        if (result.kind === 'end') {
          this.#readers.delete(reader)
          await reader.close()
        }
        return
      }
    }
  }

  async close(): Promise<void> {
    for (const reader of this.#readers) await reader.close()
    await this.#enumerator?.close()
  }
}

function sorted(rows: readonly object[]): object[] {
  const textOf = (row: object): string =>
    JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
  return rows.toSorted((left, right) => (textOf(left) < textOf(right) ? -1 : 1))
}
