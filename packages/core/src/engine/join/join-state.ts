/**
 * The state of an interval join on its way into a checkpoint and back: the rows of each side by key and number.
 *
 * Invariants (tests quote them):
 *  JS1  Nothing says that the time of a row was over: that follows from the watermark, whose row comes first.
 *  JS2  A row that found a partner since it was written comes again, and takes the place of the one before.
 */
import type { StatePart, StateRows } from '../../checkpoint/state-file.ts'
import type { FixedColumn } from '../../data/column.ts'
import type { FixedColumnBuilder } from '../../data/fixed-column-builder.ts'
import type { DataType } from '../../data/type.ts'
import type { IntervalJoinNode } from '../../plan/logical.ts'
import type { GroupTable, RecordField, StringTable } from '../../state/index.ts'
import { KeyedPart } from '../keyed/keyed-part.ts'
import type { PartColumn, TaskPlace } from '../keyed/keyed-part.ts'
import type { OperatorState, SnapshotScope } from '../operator.ts'
import { ProgressPart } from '../progress-part.ts'
import type { JoinSide } from './join-side.ts'

/** How far a join has come. */
export interface JoinProgress {
  readonly watermark: number
  /** The number of the next row. */
  readonly number: number
}

/** What the state is made of. */
export interface JoinStateParts {
  readonly node: IntervalJoinNode
  readonly place: TaskPlace
  readonly sides: readonly [JoinSide, JoinSide]
  readonly keys: GroupTable
  readonly strings: StringTable
  /** Rows of both sides that a key has. */
  readonly live: RecordField
  progress(): JoinProgress
  goOn(progress: JoinProgress): void
  /** Event time begins anew. */
  beginTime(): void
  restored(): void
}

/** Columns between the keys and the row's own. */
const OWN_COLUMNS = 3

/** The table of one side. */
interface JoinTable {
  readonly side: JoinSide
  readonly keyed: KeyedPart
  /** While rows come back: those that may come again with a partner, by number. Tasks of before may have used it twice. */
  readonly waiting: Map<number, number[]>
}

/** State of the operator of interval-join.ts. */
export class JoinState implements OperatorState {
  readonly parts: readonly StatePart[]
  readonly #parts: JoinStateParts
  readonly #progress: ProgressPart
  readonly #tables: readonly JoinTable[]

  constructor(parts: JoinStateParts) {
    this.#parts = parts
    const { node, place } = parts
    const { lowerMs, upperMs, step } = node
    this.#progress = new ProgressPart({
      names: ['watermark', 'number'],
      settings: { lowerMs, upperMs },
      step,
      place,
    })
    this.#tables = parts.sides.map((side, at) => ({
      side,
      keyed: this.#keyedPart(at === 0 ? 'left' : 'right', side),
      waiting: new Map(),
    }))
    this.parts = [this.#progress.part, ...this.#tables.map(({ keyed }) => keyed.part)]
  }

  snapshot(scope: SnapshotScope): readonly StateRows[] {
    const full = scope === 'whole'
    const { watermark, number } = this.#parts.progress()
    const rows = this.#tables.flatMap(({ side, keyed }) => {
      const store = side.rows.records
      const changed = store.takeChanged()
      const records = full ? store.liveRecords() : changed
      const groups = records.map((record) => side.groupOf(record))
      keyed.write({ keys: this.#parts.keys, groups, store, records, count: records.length })
      return keyed.take()
    })
    return [...this.#progress.rows([watermark, number], full), ...rows]
  }

  restore(rows: StateRows): void {
    if (rows.part === this.#progress.part.name) {
      const [watermark, number] = this.#progress.read(rows) as [number, number]
      this.#parts.goOn({ watermark, number })
      return
    }
    const table = this.#tables.find(({ keyed }) => keyed.part.name === rows.part)
    if (table !== undefined) this.#restoreRows(table, rows)
  }

  restored(): void {
    this.#parts.restored()
    for (const { side, waiting } of this.#tables) {
      side.rows.records.takeChanged()
      waiting.clear()
    }
  }

  beginTime(): void {
    this.#parts.beginTime()
  }

  #keyedPart(name: string, side: JoinSide): KeyedPart {
    const { keys, strings, place, node } = this.#parts
    return new KeyedPart({
      name,
      key: side.options.key,
      strings,
      columns: [...ownColumns(side), ...keptColumns(side)],
      groupWords: keys.words,
      place,
      step: node.step,
    })
  }

  #restoreRows({ side, keyed, waiting }: JoinTable, came: StateRows): void {
    const { keys } = this.#parts
    const count = keyed.begin(came)
    keyed.makeRoom(count, keys)
    const groups = keyed.locate(0, count, keys)
    const { rows } = keyed
    const valuesOf = (at: number): FixedColumn['values'] => (keyed.column(at) as FixedColumn).values
    const [numbers, times, partners] = [valuesOf(0), valuesOf(1), valuesOf(2)]
    side.rows.bindColumns(
      side.rows.columns.map((_, c) => keyed.column(OWN_COLUMNS + c)),
      rows,
    )
    const record = new Int32Array(count)
    for (let n = 0; n < count; n++) {
      const row = rows[n] as number
      const [group, number, time] = [groups[n] as number, numbers[row] as number, times[row] as number]
      const known = waiting.get(number)?.find((one) => side.groupOf(one) === group)
      if (known === undefined) {
        side.rows.add(n, n + 1, record)
        side.enter(record[n] as number, keys, { group, time, number })
        ;(keys.i32[group * keys.words + this.#parts.live.offset] as number)++
      }
      const entered = known ?? (record[n] as number)
      if (partners[row] !== 0) side.found(entered)
      else if (side.options.tracksPartners) waiting.set(number, [...(waiting.get(number) ?? []), entered])
    }
  }
}

function ownColumns(side: JoinSide): readonly PartColumn[] {
  return [
    doubles({ name: '/number', type: { kind: 'float64' } }, side.number),
    doubles({ name: '/time', type: { kind: 'timestamp', unit: 'ms', zoned: true } }, side.time),
    {
      field: { name: '/partner', type: { kind: 'boolean' }, nullable: false },
      writer: {
        write(_store, { numbers, from, to }, out, at) {
          const { values } = out as FixedColumnBuilder
          for (let n = from; n < to; n++)
            values[at + n - from] = side.hasPartner(numbers[n] as number) ? 1 : 0
        },
      },
    },
  ]
}

function doubles(
  { name, type }: { readonly name: string; readonly type: DataType },
  { offset }: RecordField,
): PartColumn {
  return {
    field: { name, type, nullable: false },
    writer: {
      write({ f64, words }, { numbers, from, to }, out, at) {
        const { values } = out as FixedColumnBuilder
        for (let n = from; n < to; n++)
          values[at + n - from] = f64[(numbers[n] as number) * (words >> 1) + offset] as number
      },
    },
  }
}

function keptColumns({ rows }: JoinSide): readonly PartColumn[] {
  return rows.columns.map(({ field }, c) => ({
    field,
    writer: { write: (_store, range, out, at) => rows.write(c, range, out, at) },
  }))
}
