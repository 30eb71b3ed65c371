/**
 * The journals of one task: rows of files that stay open over the end of an epoch, durable all the same.
 *
 * Rows are added as they are written to their files. A journal is done when no open file has rows in it any more. Then it
 * waits for the commit of the epoch that shows the last of them, and for the sweep that does not keep it: the job may
 * still go back to an epoch before. Invariants (tests quote them):
 *  J3  After a seal every row of every open file lies in journals that the epoch's answer names.
 *  J4  A journal that an answer has named is removed by a sweep only, which does not keep it.
 *  J5  Journals are bounded: one that is larger than `JOURNAL_BYTES_MAX` takes no further rows, and holds no handle once it
 *      is durable.
 *  J6  Journals are few for what they hold that counts. Of those that hold little of it and lie one behind another, at most
 *      `JOURNALS_MAX` are there for long: of more, as many as one journal takes are merged into one, in their place, so that
 *      rows of a file keep their order. In an answer, no row is in two of them.
 */
import type { Json, Schema } from '../../data/type.ts'
import type { Host } from '../../host/host.ts'
import type { JournalReference, JournalRows } from '../journal-blocks.ts'
import { JournalFile, readJournal } from './journal-file.ts'
import type { FileRows } from './journal-file.ts'
import { rowsByNumber } from './numbered-rows.ts'
import { journalName, STAGED_FOLDER } from './output-name.ts'
import type { OutputWriter } from './output-name.ts'
import { joinPath } from './file-name.ts'

/** Rows that an epoch does not show: where they are, and which of them. */
export interface HeldRows {
  readonly [name: string]: Json
  readonly journals: readonly JournalReference[]
  /** Number and folder of the files that did not end with the epoch: their rows count, others in the journals do not. */
  readonly files: readonly {
    readonly [name: string]: Json
    readonly number: number
    readonly folder: string
  }[]
}

/** What the journals are at a seal. */
export interface SealedJournals {
  readonly references: readonly JournalReference[]
  /** Whether a name among them may not be durable; asked when they are. */
  hasNewNames(): boolean
  /** Resolves when all of it is on the disk. */
  durable(): Promise<void>
  /** The answer that names them is given. */
  answered(): void
}

/** What journals are made with. */
export interface OutputJournalOptions {
  readonly host: Host
  /** The output folder. */
  readonly folder: string
  readonly writer: OutputWriter
  readonly task: number
  /** Of the rows as they go into files. */
  readonly schema: Schema
  /** Whether files can be made durable and then go on; else a journal ends with each seal. */
  readonly addsToFiles: boolean
  /** Is told of journals that hold nothing more than what epochs show, but that an answer has named. */
  readonly done: Set<string>
  /** Bytes of a journal; default `JOURNAL_BYTES_MAX`. */
  readonly bytesMax?: number
}

const JOURNAL_BYTES_MAX = 16 * 1024 * 1024
/** So many journals with little in them that counts are not worth reading: they are merged when there are more. */
const JOURNALS_MAX = 16
/** What counts as little, of what a journal takes. */
const THIN_PART = 1 / 4

/** Journals of one task. */
export class OutputJournal {
  readonly #options: OutputJournalOptions
  readonly #bytesMax: number
  #current: JournalFile | undefined
  /** In the order of their rows. */
  #journals: JournalFile[] = []
  /** Journals with rows of a file that has not ended. */
  readonly #byFile = new Map<number, Set<JournalFile>>()
  /** Merged into others since the last seal. */
  #merged: JournalFile[] = []
  /** Taken out, and still to be removed by us when nobody was told of them. */
  readonly #dropped = new Set<JournalFile>()
  #merging: Promise<void> | undefined
  /** Journals that could not be read: what they hold is in open files all the same. */
  readonly #unread = new Set<JournalFile>()
  #isClosed = false
  #count = 0

  constructor(options: OutputJournalOptions) {
    this.#options = options
    this.#bytesMax = options.bytesMax ?? JOURNAL_BYTES_MAX
  }

  /** Adds rows, so many of each file; they are copied. A promise: too much waits to be written. */
  append(rows: JournalRows, counts: readonly FileRows[]): Promise<void> | undefined {
    const journal = this.#current ?? this.#begin()
    if (this.#current === undefined) this.#journals.push(journal)
    this.#current = journal
    const wait = journal.append(rows, counts)
    for (const { file } of counts) this.#note(file, journal)
    if (journal.bytes >= this.#bytesMax) {
      journal.fill()
      this.#current = undefined
    }
    return wait
  }

  /** The cut: `open` are the numbers of the files that go on. */
  seal(open: ReadonlySet<number>): SealedJournals {
    for (const [file, journals] of this.#byFile) {
      if (open.has(file)) continue
      for (const journal of journals) journal.fileEnded(file)
      this.#byFile.delete(file)
    }
    const live = this.#journals.filter((journal) => journal.live.size > 0)
    const gone = [...this.#journals.filter((journal) => journal.live.size === 0), ...this.#merged.splice(0)]
    this.#journals = live
    for (const journal of gone) this.#dropped.add(journal)
    if (this.#current?.live.size === 0) this.#current = undefined
    if (!this.#options.addsToFiles) {
      this.#current?.fill()
      this.#current = undefined
    }
    const marks = live.map((journal) => journal.mark())
    return {
      references: marks.map(({ reference }) => reference),
      hasNewNames: () => live.some(({ isListed }) => !isListed),
      durable: async () => {
        await Promise.all(marks.map(({ durable }) => durable))
        // Known only now: at the seal the epoch before may not have been answered.
        for (const { name, isNamed } of gone) if (isNamed) this.#options.done.add(name)
        await Promise.all(gone.map((journal) => this.#drop(journal)))
        this.#merge()
      },
      answered: () => {
        for (const journal of live) {
          journal.isNamed = true
          journal.isListed = true
        }
      },
    }
  }

  /** Frees everything, and removes what no answer has named. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#merging
    const all = [...this.#journals.splice(0), ...this.#merged.splice(0), ...this.#dropped]
    this.#current = undefined
    await Promise.all(all.map((journal) => this.#drop(journal)))
  }

  /** J6, while rows go on: one merge at a time. */
  #merge(): void {
    const run = this.#merging === undefined && !this.#isClosed ? this.#longestRun() : undefined
    if (run === undefined) return
    this.#merging = this.#mergeRun(run).finally(() => {
      this.#merging = undefined
    })
  }

  /** What to merge next, once there are too many that could be. */
  #longestRun(): readonly JournalFile[] | undefined {
    const runs = this.#thinRuns().filter((run) => run.length > 1)
    const count = runs.reduce((sum, run) => sum + run.length, 0)
    if (count <= JOURNALS_MAX) return undefined
    return runs.reduce((longest, run) => (run.length > longest.length ? run : longest))
  }

  /** Journals that hold little, one behind another: as many as fit into one. */
  #thinRuns(): readonly JournalFile[][] {
    const runs: JournalFile[][] = [[]]
    let bytes = 0
    for (const journal of this.#journals) {
      const { liveBytes } = journal
      const isThin = journal.isDone && liveBytes <= this.#bytesMax * THIN_PART && !this.#unread.has(journal)
      bytes += liveBytes
      if (isThin && bytes <= this.#bytesMax) {
        runs.at(-1)?.push(journal)
        continue
      }
      bytes = isThin ? liveBytes : 0
      runs.push(isThin ? [journal] : [])
    }
    return runs
  }

  /** Writes what counts of a run into one journal, and puts it in their place in one step. */
  async #mergeRun(run: readonly JournalFile[]): Promise<void> {
    const merged = this.#begin()
    try {
      for (const journal of run) await this.#copy(journal, merged)
      merged.fill()
      await merged.whenDone()
    } catch {
      for (const journal of run) this.#unread.add(journal)
      return merged.abandon()
    }
    // Meanwhile files may have ended, and journals gone with them.
    const replaced = this.#journals.filter((journal) => run.includes(journal))
    const [first] = replaced
    if (this.#isClosed || first === undefined) return merged.abandon()
    this.#journals = this.#journals
      .flatMap((journal) => (journal === first ? [merged, journal] : [journal]))
      .filter((journal) => !replaced.includes(journal))
    this.#merged.push(...replaced)
    for (const file of Array.from(merged.live.keys())) {
      if (this.#byFile.has(file)) this.#note(file, merged)
      else merged.fileEnded(file)
    }
    for (const journals of this.#byFile.values()) for (const journal of run) journals.delete(journal)
  }

  async #copy(journal: JournalFile, merged: JournalFile): Promise<void> {
    const { host, folder } = this.#options
    for await (const { batch, files } of readJournal(host, folder, journal.reference)) {
      if (this.#isClosed) return
      for (const [file, selection] of rowsByNumber(files)) {
        if (!journal.live.has(file)) continue
        const rows = { ...batch, selection, selectedCount: selection.length }
        await merged.append({ batch: rows, files: file }, [{ file, rows: selection.length }])
      }
    }
  }

  #note(file: number, journal: JournalFile): void {
    const journals = this.#byFile.get(file)
    if (journals === undefined) this.#byFile.set(file, new Set([journal]))
    else journals.add(journal)
  }

  async #drop(journal: JournalFile): Promise<void> {
    this.#dropped.delete(journal)
    this.#unread.delete(journal)
    if (journal.isNamed) await journal.leave()
    else await journal.abandon()
  }

  #begin(): JournalFile {
    const { host, folder, writer, task, schema } = this.#options
    const name = joinPath(STAGED_FOLDER, journalName(writer, { task, number: this.#count++ }))
    return new JournalFile({ host, folder, name, schema })
  }
}
