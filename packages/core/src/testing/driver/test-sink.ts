/** A sink, or a watched output, as a test looks at it. */
import { checkOptionNames } from '../../data/option-names.ts'
import type { Change, SinkRecord } from './driven-sink.ts'
import { changeTable } from './row-table.ts'
import type { TableOptions } from './row-table.ts'
import { notPossible } from './test-errors.ts'

/** A row of which no type is known. */
export type AnyRow = { readonly [column: string]: unknown }

/** Rows that a pipeline put out. */
export interface TestOutput<Row = AnyRow> {
  /** What stands: rows that came and were not taken back, also those of an epoch that is not committed, in order. */
  readonly rows: readonly Row[]
  /** What stands of committed epochs only: what others see. */
  readonly committed: readonly Row[]
  /** Every change in order: of a window with allowed lateness first its row, later that it is taken back, and the new one. */
  readonly changes: readonly Change<Row>[]
  /**
   * The rows that came since the last call.
   *
   * @throws MillraceError `test/not-possible` when some of them were taken back: `changes` has these.
   */
  take(): readonly Row[]
  /**
   * All changes as aligned text for snapshots, with a column of signs where rows can be taken back.
   *
   * @throws MillraceError `test/unknown-name` for a column that they do not have.
   * @example
   * ```text
   * origin  windowStart        windowEnd          flights
   * ──────  ─────────────────  ─────────────────  ───────
   * AMS     2024-01-01T10:00Z  2024-01-01T11:00Z        2
   * ```
   */
  table(options?: TableOptions): string
}

/** What a test sees of a record. */
export class RecordView implements TestOutput {
  readonly #name: string
  readonly #record: SinkRecord
  #taken: readonly Change[] = []

  constructor(name: string, record: SinkRecord) {
    this.#name = name
    this.#record = record
  }

  get rows(): readonly AnyRow[] {
    return standing(this.#record.changes)
  }

  get committed(): readonly AnyRow[] {
    return standing(this.#record.committed)
  }

  get changes(): readonly Change[] {
    return this.#record.changes
  }

  take(): readonly AnyRow[] {
    const taken = new Set(this.#taken)
    const { changes } = this.#record
    const fresh = changes.filter((change) => !taken.has(change))
    if (fresh.some(({ weight }) => weight < 0))
      throw notPossible(
        `rows of "${this.#name}" were taken back since the last look`,
        'read .changes, or .rows for what stands',
        this.#name,
      )
    this.#taken = changes
    return fresh.map(({ row }) => row)
  }

  table(options: TableOptions = {}): string {
    checkOptionNames('table', options, ['columns', 'sort'])
    const { schema, changes, takesChanges } = this.#record
    const signed = takesChanges && changes.some(({ weight }) => weight < 0)
    return changeTable(schema, changes, { ...options, signed })
  }
}

/** Each row that is taken back cancels the last equal one that came. */
function standing(changes: readonly Change[]): readonly AnyRow[] {
  if (changes.every(({ weight }) => weight > 0)) return changes.map(({ row }) => row)
  const rows: (AnyRow | undefined)[] = []
  const places = new Map<string, number[]>()
  for (const { row, weight } of changes) {
    const text = JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
    const at = places.get(text) ?? []
    places.set(text, at)
    if (weight > 0) at.push(rows.push(row) - 1)
    else {
      const place = at.pop()
      if (place !== undefined) rows[place] = undefined
    }
  }
  return rows.filter((row) => row !== undefined)
}
