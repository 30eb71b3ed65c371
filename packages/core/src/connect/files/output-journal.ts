/**
 * The journals of one task: rows of files that stay open over the end of an epoch, durable all the same.
 *
 * Rows are added as they are written to their files. A journal is done when no open file has rows in it any more. Then it
 * waits for the commit of the epoch that shows the last of them, and for the sweep that does not keep it: the job may
 * still go back to an epoch before. Invariants (tests quote them):
 *  J3  After a seal every row of every open file lies in journals that the epoch's answer names.
 *  J4  A journal that an answer has named is removed by a sweep only, which does not keep it.
 *  J5  Journals are bounded: one that is larger than `JOURNAL_BYTES_MAX` takes no further rows.
 */
import type { Json, Schema } from '../../data/type.ts'
import type { Host } from '../../host/host.ts'
import type { JournalReference, JournalRows } from '../journal-blocks.ts'
import { JournalFile } from './journal-file.ts'
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
  /** Is told of journals that hold nothing more than what epochs show, but that an answer has named. */
  readonly done: Set<string>
}

const JOURNAL_BYTES_MAX = 16 * 1024 * 1024

/** Journals of one task. */
export class OutputJournal {
  readonly #options: OutputJournalOptions
  #current: JournalFile | undefined
  #journals: JournalFile[] = []
  /** Taken out, and still to be removed by us when nobody was told of them. */
  readonly #dropped = new Set<JournalFile>()
  #count = 0

  constructor(options: OutputJournalOptions) {
    this.#options = options
  }

  /** Adds rows; they are copied. A promise: too much waits to be written. */
  append(rows: JournalRows): Promise<void> | undefined {
    this.#current ??= this.#begin()
    const wait = this.#current.append(rows)
    if (this.#current.bytes >= JOURNAL_BYTES_MAX) this.#current = undefined
    return wait
  }

  /** The cut: `open` are the numbers of the files that go on. */
  seal(open: ReadonlySet<number>): SealedJournals {
    const live = this.#journals.filter(({ files }) => Array.from(files).some((file) => open.has(file)))
    const gone = this.#journals.filter((journal) => !live.includes(journal))
    this.#journals = live
    for (const journal of gone) this.#dropped.add(journal)
    if (this.#current !== undefined && gone.includes(this.#current)) this.#current = undefined
    const marks = live.map((journal) => journal.mark())
    return {
      references: marks.map(({ reference }) => reference),
      durable: async () => {
        await Promise.all(marks.map(({ durable }) => durable))
        // Known only now: at the seal the epoch before may not have been answered.
        for (const { name, isNamed } of gone) if (isNamed) this.#options.done.add(name)
        await Promise.all(gone.map((journal) => this.#drop(journal)))
      },
      answered: () => {
        for (const journal of live) journal.isNamed = true
      },
    }
  }

  /** Frees everything, and removes what no answer has named. */
  async close(): Promise<void> {
    const all = [...this.#journals.splice(0), ...this.#dropped]
    this.#current = undefined
    await Promise.all(all.map((journal) => this.#drop(journal)))
  }

  async #drop(journal: JournalFile): Promise<void> {
    this.#dropped.delete(journal)
    if (journal.isNamed) await journal.leave()
    else await journal.abandon()
  }

  #begin(): JournalFile {
    const { host, folder, writer, task, schema } = this.#options
    const name = joinPath(STAGED_FOLDER, journalName(writer, { task, number: this.#count++ }))
    const journal = new JournalFile({ host, folder, name, schema })
    this.#journals.push(journal)
    return journal
  }
}
