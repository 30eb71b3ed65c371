// A table on another machine, as a database would have it: rows are staged there, and moved into the table together with
// a mark, in one transaction, when their epoch stands.
import { batchToRows } from '../../src/data/read-value.ts'
import type { CommitOutcome, Sink } from '../../src/connect/index.ts'
import type { Travel } from '../../src/testing/simulated-objects.ts'

/** Names staged rows. */
interface Staged {
  readonly [name: string]: string | number
  readonly part: string
  readonly rows: number
}

/** What a connector can do wrong with its table. */
export type TableDefect = 'sets no mark' | 'shows rows when they are staged' | 'sweeps what is owed'

/** A row of the table, and the epoch of the history that it came with. */
export interface TableRow {
  readonly row: object
  readonly lineage: string
  readonly epoch: number
}

/** One table, and what is staged for it. */
export class SimulatedTable {
  readonly rows: TableRow[] = []
  readonly #defect: TableDefect | undefined
  readonly #staged = new Map<string, readonly TableRow[]>()
  readonly #marks = new Set<string>()
  #parts = 0

  constructor(defect?: TableDefect) {
    this.#defect = defect
  }

  /** A sink that reaches the table by `travel`. */
  sink(travel: Travel): Sink<Staged> {
    return {
      description: { connector: 'simulated-table', options: {} },
      accepts: 'append',
      open: async ({ lineage, attempt }) => ({
        writer: async (task) => {
          let open: object[] = []
          let written = 0
          const sealed = new Map<number, readonly object[]>()
          return {
            write(batch) {
              open.push(...batchToRows(batch))
            },
            seal(epoch) {
              sealed.set(epoch, open)
              open = []
            },
            prepare: async (epoch) => {
              const rows = sealed.get(epoch) ?? []
              sealed.delete(epoch)
              if (rows.length === 0) return undefined
              const part = `${attempt} ${lineage} ${epoch} ${task} ${this.#parts++}`
              await travel(`stage ${part}`, async () =>
                this.#stage(
                  part,
                  rows.map((row) => ({ row, lineage, epoch })),
                ),
              )
              written += rows.length
              return { part, rows: rows.length }
            },
            written: () => ({ rows: written, bytes: 0 }),
            close: async () => undefined,
          }
        },
        holdsBack: () => false,
        commit: (parts) => travel('apply', async () => parts.map((part) => this.#apply(part))),
        sweep: (keep) => travel('sweep', async () => this.#sweep(attempt, keep)),
        finish: async () => undefined,
        close: async () => undefined,
      }),
    }
  }

  #stage(part: string, rows: readonly TableRow[]): void {
    this.#staged.set(part, rows)
    if (this.#defect === 'shows rows when they are staged') this.rows.push(...rows)
  }

  #apply({ part, rows }: Staged): CommitOutcome {
    if (this.#marks.has(part)) return { kind: 'already-committed' }
    const staged = this.#staged.get(part)
    if (staged === undefined) return { kind: 'lost', reason: `${part} is not there` }
    if (this.#defect !== 'shows rows when they are staged') this.rows.push(...staged)
    if (this.#defect === 'sets no mark') return { kind: 'committed', rows }
    this.#marks.add(part)
    this.#staged.delete(part)
    return { kind: 'committed', rows }
  }

  #sweep(attempt: number, keep: readonly Staged[]): void {
    const kept = new Set(this.#defect === 'sweeps what is owed' ? [] : keep.map(({ part }) => part))
    for (const part of this.#staged.keys())
      if (Number.parseInt(part, 10) < attempt && !kept.has(part)) this.#staged.delete(part)
  }
}
