// The journals of a task over many epochs: what an answer names holds the rows of all open files once and in order,
// whatever was merged meanwhile; handles, names and syncs stay few.
import { describe, expect, it } from 'vitest'
import { batchOfRows } from '../../../src/data/batch-builder.ts'
import { schema, t } from '../../../src/data/builder.ts'
import { batchToRows } from '../../../src/data/read-value.ts'
import { readJournal } from '../../../src/connect/files/journal-file.ts'
import { OutputJournal } from '../../../src/connect/files/output-journal.ts'
import type { SealedJournals } from '../../../src/connect/files/output-journal.ts'
import { rowsByNumber } from '../../../src/connect/files/numbered-rows.ts'
import { ndjson } from '../../../src/connect/files/index.ts'
import type { OpenSink, SinkContext } from '../../../src/connect/sink.ts'
import { createManualHost } from '../../../src/testing/index.ts'
import type { ManualHost } from '../../../src/testing/index.ts'
import { randomOf } from '../../testing/crashes.ts'

const Row = schema({ file: t.int32(), n: t.int32(), text: t.string() })
const BYTES_MAX = 2000

/** Journals, with what has to be in them. */
class Trial {
  readonly host: ManualHost = createManualHost()
  readonly done: Set<string> = new Set()
  readonly journal: OutputJournal
  /** Rows of open files, by their numbers. */
  readonly open: Map<number, number[]> = new Map()
  readonly #generations = new Map<number, number>()
  #rows = 0

  constructor() {
    this.journal = new OutputJournal({
      host: this.host,
      folder: 'out',
      writer: { id: 'aaaaaaaaaaaa', attempt: 1 },
      task: 0,
      schema: Row,
      addsToFiles: true,
      done: this.done,
      bytesMax: BYTES_MAX,
    })
  }

  /** Rows of several files, one behind the other in turns. */
  async write(slots: readonly number[], each: number): Promise<void> {
    const files = slots.map((slot) => this.#numberOf(slot))
    const rows = Array.from({ length: each }, () => files.map((file) => ({ file, n: this.#rows++, text: 'x'.repeat(40) }))).flat()
    for (const { file, n } of rows) this.open.set(file, [...(this.open.get(file) ?? []), n])
    const counts = files.map((file) => ({ file, rows: each }))
    await this.journal.append({ batch: batchOfRows(Row, rows), files: Int32Array.from(rows, ({ file }) => file) }, counts)
  } // prettier-ignore

  /** Ends the file of a slot; the next one has another number. */
  end(slot: number): void {
    this.open.delete(this.#numberOf(slot))
    this.#generations.set(slot, (this.#generations.get(slot) ?? 0) + 1)
  }

  #numberOf(slot: number): number {
    return slot + 1000 * (this.#generations.get(slot) ?? 0)
  }

  seal(): { sealed: SealedJournals; expected: Map<number, readonly number[]> } {
    return { sealed: this.journal.seal(new Set(this.open.keys())), expected: new Map(this.open) }
  }

  async answer(sealed: SealedJournals): Promise<void> {
    await sealed.durable()
    sealed.answered()
    // Merging goes on beside the epochs; here it is fast.
    for (let turn = 0; turn < 2000; turn++) await Promise.resolve()
  }

  /** What a later attempt would take. */
  async held({ references }: SealedJournals, open: ReadonlyMap<number, unknown>): Promise<Map<number, number[]>> {
    const found = new Map<number, number[]>()
    for (const reference of references) {
      for await (const { batch, files } of readJournal(this.host, 'out', reference)) {
        for (const [file, selection] of rowsByNumber(files)) {
          if (!open.has(file)) continue
          const rows = batchToRows({ ...batch, selection, selectedCount: selection.length }) as unknown as { n: number }[]
          found.set(file, [...(found.get(file) ?? []), ...rows.map(({ n }) => n)])
        }
      }
    }
    return found
  } // prettier-ignore

  names(): string[] {
    return this.host.files.paths('out/_staged')
  }
}

describe('journals of many epochs', () => {
  it('J3, J6: hold the rows of open files once and in order, whatever was merged', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const choose = randomOf(seed)
      const trial = new Trial()
      let waiting: ReturnType<Trial['seal']> | undefined
      let most = 0
      for (let epoch = 1; epoch <= 120; epoch++) {
        // File 0 is cold, some are hot, and some end.
        if (choose(3) > 0) await trial.write([0, 1 + choose(3)], 1 + choose(12))
        else await trial.write([10 + choose(4)], 20 + choose(20))
        if (choose(4) === 0) trial.end(1 + choose(20))
        if (choose(60) === 0) trial.end(0)
        const one = trial.seal()
        // Now and then the next epoch is sealed before this one is answered.
        if (waiting === undefined && choose(3) === 0) {
          waiting = one
          continue
        }
        for (const { sealed, expected } of waiting === undefined ? [one] : [waiting, one]) {
          await trial.answer(sealed)
          expect(await trial.held(sealed, expected)).toEqual(expected)
          most = Math.max(most, sealed.references.length)
        }
        waiting = undefined
      }
      await trial.journal.close()
      expect(trial.host.files.openFiles).toBe(0)
      expect(most, `seed ${seed}`).toBeLessThan(80)
    }
  })

  it('J5, J6: with one cold file among hot ones stay few, and hold few handles', async () => {
    const trial = new Trial()
    let most = 0
    let last: ReturnType<Trial['seal']> | undefined
    for (let epoch = 1; epoch <= 300; epoch++) {
      await trial.write([0], 1)
      await trial.write([epoch], 30)
      trial.end(epoch - 1 === 0 ? -1 : epoch - 1)
      const { sealed, expected } = trial.seal()
      await trial.answer(sealed)
      expect(trial.host.files.openFiles).toBeLessThan(6)
      most = Math.max(most, sealed.references.length)
      if (epoch === 300) last = { sealed, expected }
    }
    expect(last && (await trial.held(last.sealed, last.expected))).toEqual(last?.expected)
    expect(most).toBeLessThan(40)
    await trial.journal.close()
  })

  it.each([1, 3, 5, 8])('J6: stay few for what counts in them, with %i cold rows of 28', async (cold) => {
    const trial = new Trial()
    let rowBytes = 0
    let last: ReturnType<Trial['seal']> | undefined
    for (let epoch = 1; epoch <= 300; epoch++) {
      await trial.write([0], cold)
      await trial.write([epoch], 28 - cold)
      if (epoch > 1) trial.end(epoch - 1)
      last = trial.seal()
      const { references } = last.sealed
      await trial.answer(last.sealed)
      if (epoch === 1) rowBytes = (references[0]?.bytes ?? 0) / 28
      const liveBytes = (epoch * cold + 28) * rowBytes
      expect(references.length, `epoch ${epoch}`).toBeLessThan(24 + (4 * liveBytes) / BYTES_MAX)
      const bytes = references.reduce((sum, reference) => sum + reference.bytes, 0)
      expect(bytes, `epoch ${epoch}`).toBeLessThan(24 * BYTES_MAX + 4 * liveBytes)
    }
    expect(last && (await trial.held(last.sealed, last.expected))).toEqual(last?.expected)
    expect(trial.host.files.openFiles).toBeLessThan(3)
    await trial.journal.close()
  })

  it('J4: which were named go when they are done, merged ones too; which were not, at once', async () => {
    const trial = new Trial()
    for (let epoch = 1; epoch <= 60; epoch++) {
      await trial.write([0], 1)
      await trial.write([epoch], 30)
      trial.end(epoch - 1 === 0 ? -1 : epoch - 1)
      await trial.answer(trial.seal().sealed)
    }
    trial.open.clear()
    const last = trial.seal()
    expect(last.sealed.references).toEqual([])
    await trial.answer(last.sealed)
    await trial.journal.close()
    const names = trial.names().map((path) => path.slice(path.indexOf('_staged')))
    expect(names.toSorted()).toEqual([...trial.done].toSorted())
    expect(trial.done.size).toBeGreaterThan(40)
  })
})

describe('epochs of a file sink', () => {
  function open(host: ManualHost, more: Partial<SinkContext> = {}): Promise<OpenSink> {
    return ndjson('/out', { schema: Row }).toSink().open({
      host, schema: Row, step: 's', outputMode: 'refuse', lineage: 'aaaa', attempt: 1, bounded: false,
      resumable: true, ...more,
    }) // prettier-ignore
  }

  it('without rows sync nothing, with rows one file each, and one folder when a name is new', async () => {
    const host = createManualHost()
    const sink = await open(host)
    const writers = [await sink.writer(0), await sink.writer(1), await sink.writer(2)]
    const syncs: string[][] = []
    for (let epoch = 1; epoch <= 5; epoch++) {
      const before = host.files.log.length
      const rows = epoch < 3 ? [{ file: 0, n: epoch, text: 'x' }] : []
      for (const writer of writers) await writer.write(batchOfRows(Row, rows))
      for (const writer of writers) writer.seal(epoch, { final: false })
      await Promise.all(writers.map((writer) => writer.prepare(epoch)))
      syncs.push(host.files.log.slice(before).filter((line) => /sync/i.test(line)))
    }
    const folders = syncs.map((all) => all.filter((line) => line.startsWith('syncDirectory')))
    expect(folders[0]).toContain('syncDirectory /out/_staged')
    // Of three tasks that wait at the same time, the first may begin before the others come.
    expect(folders[0]?.filter((line) => line.endsWith('_staged')).length).toBeLessThan(3)
    expect(folders.slice(1)).toEqual([[], [], [], []])
    expect(syncs.slice(1).map((all) => all.length)).toEqual([3, 0, 0, 0])
    for (const writer of writers) await writer.close()
    await sink.close()
  })
})
