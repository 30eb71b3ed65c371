/**
 * The state of session windows on its way into a checkpoint and back: accumulators by key and session.
 *
 * A session is known by its key and its start. One that starts earlier than when it was written last, or that joined
 * another, leaves a mark that the written one is gone.
 *
 * Invariants (tests quote them):
 *  SS1  Nothing says that a session was dropped because its time was over: that follows from `droppedTo`. The row of
 *       progress comes first, then the gone, then the rest, so that sessions of a key never overlap while rows come back.
 */
import type { StatePart, StateRows } from '../../checkpoint/state-file.ts'
import type { FixedColumn } from '../../data/column.ts'
import type { FixedColumnBuilder } from '../../data/fixed-column-builder.ts'
import type { DataType } from '../../data/type.ts'
import { assert } from '../../errors.ts'
import type { GroupTable, RecordField } from '../../state/index.ts'
import { GoneRecords, RecordLayout } from '../../state/index.ts'
import { AccumulatorCells } from './accumulator-cells.ts'
import { KeyedPart } from '../keyed/keyed-part.ts'
import type { PartColumn, TaskPlace } from '../keyed/keyed-part.ts'
import type { OperatorState, SnapshotScope } from '../operator.ts'
import { ProgressPart } from '../progress-part.ts'
import type { SessionTreeFields } from './session-tree.ts'
import type { WindowAggregateParts } from './window-aggregate-parts.ts'

/** The fields of a session that are written down, and those that say what was. */
export interface SessionFields extends SessionTreeFields {
  readonly state: RecordField
  /** The start under which it was written last; NaN when it was not. */
  readonly saved: RecordField
}

/** How far sessions have come. */
export interface SessionProgress {
  readonly watermark: number
  /** Sessions whose last row is before this are gone. */
  readonly droppedTo: number
}

/** A session that comes back. */
export interface RestoredSession {
  readonly start: number
  readonly last: number
  readonly hasFired: boolean
}

/** What the state is made of. */
export interface SessionStateParts {
  readonly parts: WindowAggregateParts
  readonly fields: SessionFields
  readonly sessions: GroupTable
  readonly gapMs: number
  readonly place: TaskPlace
  /** From now on changes are marked. */
  track(): void
  progress(): SessionProgress
  goOn(progress: SessionProgress): void
  /** Event time begins anew. */
  beginTime(): void
  hasFired(session: number): boolean
  /** The session of a key that starts at a time, made when it is not there. `found`: the key's entry. */
  restore(found: number, session: RestoredSession): number
  /** Forgets the session of a key that starts at a time. */
  forget(found: number, start: number): void
  restored(): void
}

const timestamp: DataType = { kind: 'timestamp', unit: 'ms', zoned: true }
/** Columns between keys and accumulators. */
const OWN_COLUMNS = 4

/** State of the operator of window-aggregate-sessions.ts. */
export class SessionState implements OperatorState {
  readonly parts: readonly StatePart[]
  readonly #parts: SessionStateParts
  readonly #progress: ProgressPart
  readonly #sessions: KeyedPart
  readonly #cells: AccumulatorCells
  /** Written sessions that are no more, or start elsewhere. */
  readonly #gone: GoneRecords
  readonly #goneStart: RecordField
  #isGone = false

  constructor(state: SessionStateParts) {
    const { parts, place } = state
    this.#parts = state
    this.#progress = new ProgressPart({
      names: ['watermark', 'droppedTo'],
      settings: { gapMs: state.gapMs },
      step: parts.node.step,
      place,
    })
    this.#cells = new AccumulatorCells(parts)
    const layout = new RecordLayout(parts.key.words)
    this.#goneStart = layout.add('f64', 0)
    this.#gone = new GoneRecords({ key: parts.key, strings: parts.strings, pool: parts.pool, layout })
    this.#sessions = new KeyedPart({
      name: 'sessions',
      key: parts.key,
      strings: parts.strings,
      columns: [...this.#ownColumns(), ...this.#cells.columns.map((column) => this.#unlessGone(column))],
      groupWords: parts.template.length,
      place,
      step: parts.node.step,
    })
    this.parts = [this.#progress.part, this.#sessions.part]
  }

  /** A session that may have been written is about to be forgotten, not because its time is over. */
  remove(session: number): void {
    const { sessions, fields } = this.#parts
    const saved = sessions.f64[session * (sessions.words >> 1) + fields.saved.offset] as number
    if (saved === saved) this.#addGone(session, saved)
  }

  snapshot(scope: SnapshotScope): readonly StateRows[] {
    const full = scope === 'whole'
    const { sessions, fields, progress } = this.#parts
    this.#parts.track()
    const { watermark, droppedTo } = progress()
    const changed = sessions.takeChanged()
    const records = full ? sessions.liveRecords() : changed
    const stride = sessions.words >> 1
    for (const session of records) {
      const start = sessions.f64[session * stride + fields.start.offset] as number
      const saved = sessions.f64[session * stride + fields.saved.offset] as number
      if (saved === saved && saved !== start) this.#addGone(session, saved)
      sessions.f64[session * stride + fields.saved.offset] = start
    }
    if (!full) this.#writeGone()
    this.#gone.clear()
    this.#sessions.write({ keys: sessions, groups: records, store: sessions, records, count: records.length })
    return [...this.#progress.rows([watermark, droppedTo], full), ...this.#sessions.take()]
  }

  restore(rows: StateRows): void {
    if (rows.part === this.#progress.part.name) {
      const [watermark, droppedTo] = this.#progress.read(rows) as [number, number]
      this.#parts.goOn({ watermark, droppedTo })
    } else if (rows.part === this.#sessions.part.name) this.#restoreSessions(rows)
  }

  beginTime(): void {
    this.#parts.beginTime()
  }

  restored(): void {
    this.#parts.track()
    this.#parts.sessions.takeChanged()
    this.#parts.restored()
  }

  #addGone(session: number, start: number): void {
    const { sessions } = this.#parts
    const id = this.#gone.add(sessions.i32, session * sessions.words)
    const { store } = this.#gone
    store.f64[id * (store.words >> 1) + this.#goneStart.offset] = start
  }

  #writeGone(): void {
    const { store, count } = this.#gone
    const records = Int32Array.from({ length: count }, (_, n) => n)
    this.#isGone = true
    this.#sessions.write({ keys: store, groups: records, store, records, count })
    this.#isGone = false
  }

  #ownColumns(): readonly PartColumn[] {
    const { fields } = this.#parts
    return [
      this.#time('/start', () => (this.#isGone ? this.#goneStart : fields.start)),
      this.#time('/last', () => (this.#isGone ? this.#goneStart : fields.last)),
      this.#flag('/fired', (session) => !this.#isGone && this.#parts.hasFired(session)),
      this.#flag('/removed', () => this.#isGone),
    ]
  }

  #time(name: string, field: () => RecordField): PartColumn {
    return {
      field: { name, type: timestamp, nullable: false },
      writer: {
        write(store, { numbers, from, to }, out, at) {
          const { offset } = field()
          const { values } = out as FixedColumnBuilder
          const stride = store.words >> 1
          for (let n = from; n < to; n++)
            values[at + n - from] = store.f64[(numbers[n] as number) * stride + offset] as number
        },
      },
    }
  }

  #flag(name: string, isTrue: (session: number) => boolean): PartColumn {
    return {
      field: { name, type: { kind: 'boolean' }, nullable: false },
      writer: {
        write(_store, { numbers, from, to }, out, at) {
          const { values } = out as FixedColumnBuilder
          for (let n = from; n < to; n++) values[at + n - from] = isTrue(numbers[n] as number) ? 1 : 0
        },
      },
    }
  }

  /** The gone have no accumulators: their cells stay as they are in a new builder. */
  #unlessGone({ field, writer }: PartColumn): PartColumn {
    return {
      field,
      writer: {
        write: (store, records, out, at) => {
          if (!this.#isGone) writer.write(store, records, out, at)
        },
      },
    }
  }

  #restoreSessions(came: StateRows): void {
    const part = this.#sessions
    const count = part.begin(came)
    const { rows } = part
    const { sessions } = this.#parts
    const valuesOf = (at: number): FixedColumn['values'] => (part.column(at) as FixedColumn).values
    const [starts, lasts, fired, removed] = [valuesOf(0), valuesOf(1), valuesOf(2), valuesOf(3)]
    // Those that are gone stand in front, and are few.
    let from = 0
    for (; from < count && removed[rows[from] as number] === 1; from++)
      this.#parts.forget(
        part.locate(from, from + 1, sessions)[from] as number,
        starts[rows[from] as number] as number,
      )
    const records = part.locate(from, count, sessions)
    for (let n = from; n < count; n++) {
      const row = rows[n] as number
      assert(removed[row] !== 1, 'a session that is gone stands behind one that is there')
      const session = {
        start: starts[row] as number,
        last: lasts[row] as number,
        hasFired: fired[row] === 1,
      }
      records[n] = this.#parts.restore(this.#entryOf(records[n] as number), session)
    }
    const cells = came.batch.columns.slice(part.firstColumn + OWN_COLUMNS)
    this.#cells.load(cells, { store: sessions, records, rows, from, to: count })
  }

  /** The entry of the key of a record: it changes with each session of the key that comes back. */
  #entryOf(record: number): number {
    const { sessions } = this.#parts
    sessions.loadKey(sessions.i32, record * sessions.words)
    return sessions.find()
  }
}
