/**
 * Session windows: per key the intervals that are still open, each with its accumulators.
 *
 * A session ends a gap after its last row; a row that touches it, also exactly one gap away, joins it, and a row that
 * touches several joins them into one. Because a row at the very end still belongs to a session, its
 * window is complete only when the watermark has passed the end: a row at the watermark may come. For the same reason
 * a result has the end itself as its event time, so that it is not late for the step that takes it (O2).
 *
 * A session is a record with its key. The table finds the session of a key that was used last; the key's others hang on it
 * in a tree (session-tree.ts). Joining two is a merge of accumulators, and a record never moves.
 *
 * Invariants (tests quote them):
 *  WS1  Sessions of a key never touch: they are more than a gap apart.
 *  WS2  A row is late when it touches no session that is still there and the watermark has reached its own end
 *       (time + gap + allowed lateness). A row that bridges into a live session is not late.
 *  WS3  Each session has one entry in the heap, at its end or before it (it is put right when it comes up).
 *  WS4  Within the allowed lateness a session that has fired is kept; a row that joins it takes its result back
 *       (weight −1), and the joined session fires again when its end has passed; one that a late row opens behind its end
 *       fires behind the batch.
 *  WS5  A key without sessions takes no memory.
 *  WS6  The table's entry of a key is the root of its tree.
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount } from '../../data/batch.ts'
import type { Schema } from '../../data/type.ts'
import { assert } from '../../errors.ts'
import type { WindowAggregateNode } from '../../plan/logical.ts'
import { LATE_PORT, MAIN_PORT } from '../../plan/logical.ts'
import type { RecordField } from '../../state/index.ts'
import { GroupTable, SWEPT_MAX, TimerHeap } from '../../state/index.ts'
import { checkEventTime, isLate } from '../../time/window.ts'
import { LateRows } from '../rows/late-rows.ts'
import type { Emit, Operator, OperatorContext, OperatorState } from '../operator.ts'
import type { RestoredSession, SessionFields } from './session-state.ts'
import { SessionState } from './session-state.ts'
import { SessionTree } from './session-tree.ts'
import type { SessionPlacer } from '../keyed/keyed-kernel.ts'
import { KeyedKernels } from '../keyed/keyed-kernel.ts'
import type { WindowAggregateParts } from './window-aggregate-parts.ts'
import {
  bindAggregates,
  holdKey,
  mergeRecord,
  releaseRecord,
  windowAggregateParts,
} from './window-aggregate-parts.ts'
import { WindowCorrections } from './window-corrections.ts'
import type { WindowRows } from './window-output.ts'
import { WindowOutput } from './window-output.ts'

// The state of a session.
const OPEN = 0
const FIRED = 1
/** Its result is taken back, or it had none and is complete; it fires after the batch, or when its end has passed. */
const RETRACTED = 2

/** The operator for session windows. */
export class SessionWindows implements Operator {
  readonly state: OperatorState
  readonly #state: SessionState
  readonly #context: OperatorContext
  readonly #parts: WindowAggregateParts
  readonly #fields: SessionFields
  readonly #sessions: GroupTable
  readonly #tree: SessionTree
  readonly #heap = new TimerHeap()
  readonly #kernels: KeyedKernels
  readonly #output: WindowOutput
  readonly #corrections: WindowCorrections
  readonly #main: Emit
  readonly #late: LateRows
  readonly #gap: number
  readonly #lateness: number
  #watermark = -Infinity
  /** Sessions about to be written. */
  readonly #dueSessions: Int32Array
  #due = 0
  /** The root of the tree that a time was looked for in last. */
  #root = -1
  /** Sessions whose results are taken back, and what they were, by number. */
  readonly #revised: number[] = []
  readonly #oldResults = new Map<number, number>()

  constructor(
    node: WindowAggregateNode,
    inputSchema: Schema,
    context: OperatorContext,
    functions: ReadonlyMap<string, unknown>,
  ) {
    assert(node.window.kind === 'session', 'only sessions have gaps')
    const options = { functions, isUnordered: context.isUnordered }
    const { parts, extra } = windowAggregateParts(node, inputSchema, options, (layout): SessionFields => ({
      start: layout.add('f64', Number.NaN),
      last: layout.add('f64', 0),
      left: layout.add('i32', 0),
      right: layout.add('i32', 0),
      state: layout.add('i32', OPEN),
      saved: layout.add('f64', Number.NaN),
    }))
    this.#parts = parts
    this.#fields = extra
    this.#context = context
    this.#gap = node.window.gapMs
    this.#lateness = node.allowedLatenessMs
    const { key, template, pool } = parts
    this.#sessions = new GroupTable({ keyWords: key.words, template, pool })
    this.#tree = new SessionTree(this.#sessions, extra)
    this.#kernels = new KeyedKernels({
      ...parts,
      groupWords: template.length,
      recordWords: template.length,
      hasStableGroups: false,
      shape: { kind: 'session', sessions: this.#placer() },
    })
    const batchRows = Math.max(1, context.batchRows)
    this.#output = new WindowOutput(parts, { batchRows, hasWeights: node.allowedLatenessMs > 0 })
    this.#dueSessions = new Int32Array(batchRows)
    this.#main = context.emit(MAIN_PORT)
    this.#corrections = new WindowCorrections(parts, { batchRows, emit: this.#main })
    this.#late = new LateRows(context, LATE_PORT)
    this.state = this.#state = this.#makeState()
  }

  push(batch: Batch): void {
    this.#recycle()
    this.#late.begin(batch)
    bindAggregates(this.#parts, batch)
    const kernel = this.#kernels.bind(batch, batch.selection)
    kernel.loop(kernel.lanes, batch.eventTime, batch.selection, 0, rowCount(batch), 0, 0, this.#sessions)
    this.#fireRevised()
    this.#late.emit()
    this.#countState()
  }

  advance(watermark: number): boolean {
    this.#recycle()
    this.#watermark = watermark
    while (this.#heap.size > 0 && this.#heap.earliest < watermark) {
      if (this.#output.room <= this.#due) {
        this.#writeDue()
        this.#emitOutput()
        return false
      }
      this.#takeDue(this.#heap.pop())
    }
    this.#writeDue()
    this.#emitOutput()
    if (!this.#parts.strings.sweepSome(SWEPT_MAX)) return false
    this.#countState()
    return true
  }

  /** Strings and block memory that records refer to: nothing when there are no records (for leak tests). */
  held(): { readonly strings: number; readonly doubles: number } {
    return { strings: this.#parts.strings.size, doubles: this.#parts.blocks.liveDoubles }
  }

  close(): void {
    this.#sessions.dispose()
  }

  #makeState(): SessionState {
    return new SessionState({
      parts: this.#parts,
      fields: this.#fields,
      sessions: this.#sessions,
      gapMs: this.#gap,
      place: this.#context,
      track: () => {
        this.#kernels.marksChanges = true
      },
      progress: () => {
        const droppedTo = this.#watermark - this.#gap - this.#lateness
        return { watermark: this.#watermark, droppedTo }
      },
      goOn: ({ watermark, droppedTo }) => {
        this.#watermark = Math.max(this.#watermark, watermark)
        for (const session of this.#sessions.liveRecords())
          if (this.#time(session, this.#fields.last) < droppedTo) this.#drop(session)
      },
      beginTime: () => {
        this.#watermark = -Infinity
      },
      hasFired: (session) => this.#get(session, this.#fields.state) === FIRED,
      restore: (found, session) => this.#restore(found, session),
      forget: (found, start) => {
        const session = this.#find(found, start)
        if (session >= 0) this.#drop(session)
        else if (Number.isNaN(this.#time(found, this.#fields.start))) this.#forget(found)
      },
      restored: () => {
        this.#parts.strings.sweep()
        this.#countState()
      },
    })
  }

  /** The session of a key that starts at a time, −1 when there is none; `found` is the key's entry. */
  #find(found: number, start: number): number {
    if (Number.isNaN(this.#time(found, this.#fields.start))) return -1
    const root = this.#tree.splay(found, start)
    this.#setRoot(found, root)
    return this.#time(root, this.#fields.start) === start ? root : -1
  }

  /** A session that comes back, in place of what is there of it. */
  #restore(found: number, { start, last, hasFired }: RestoredSession): number {
    const known = this.#find(found, start)
    const isFirst = known < 0 && Number.isNaN(this.#time(found, this.#fields.start))
    const session = known >= 0 ? known : isFirst ? found : this.#insert(start)
    this.#setTime(session, this.#fields.start, start)
    this.#setTime(session, this.#fields.saved, start)
    this.#setTime(session, this.#fields.last, last)
    this.#set(session, this.#fields.state, hasFired ? FIRED : OPEN)
    this.#heap.set(session, last + this.#gap + (hasFired ? this.#lateness : 0))
    return session
  }

  #placer(): SessionPlacer {
    const { state, start, last, left, right } = this.#fields
    return {
      start,
      last,
      left,
      right,
      gapMs: this.#gap,
      state: this.#lateness > 0 ? state : undefined,
      place: (found, time, row) => this.#place(found, time, row),
    }
  }

  /** The session for a row that the root of its key does not simply take; −1 when it is late. */
  #place(root: number, time: number, row: number): number {
    checkEventTime(time)
    const isNew = Number.isNaN(this.#time(root, this.#fields.start))
    const joined = isNew ? -1 : this.#join(root, time)
    if (joined >= 0) return joined
    if (isLate(time + this.#gap, this.#lateness, this.#watermark)) {
      this.#late.add(row)
      if (isNew) this.#forget(root)
      return -1
    }
    const session = isNew ? root : this.#insert(time)
    this.#setTime(session, this.#fields.start, time)
    this.#setTime(session, this.#fields.last, time)
    this.#heap.set(session, time + this.#gap)
    if (time + this.#gap < this.#watermark) this.#fireAfterBatch(session)
    return session
  }

  /** A session within the allowed lateness whose end has passed already has its result at once (WS4). */
  #fireAfterBatch(session: number): void {
    this.#set(session, this.#fields.state, RETRACTED)
    this.#revised.push(session)
  }

  /** Joins the sessions that a time touches, two at most, into one, which becomes the root; −1 when there is none. */
  #join(found: number, time: number): number {
    const root = this.#tree.splay(found, time)
    this.#setRoot(found, root)
    const side = this.#tree.side(root, time)
    const neighbour = side === 0 ? -1 : this.#tree.neighbour(root, side)
    const isNeighbourTouched = neighbour >= 0 && this.#touches(neighbour, time)
    let target = root
    if (!this.#touches(root, time)) {
      if (!isNeighbourTouched) return -1
      this.#tree.raise(root, neighbour, side)
      this.#setRoot(root, neighbour)
      target = neighbour
    }
    this.#takeBack(target)
    if (target === root && isNeighbourTouched) {
      this.#takeBack(neighbour)
      this.#tree.removeNeighbour(root, neighbour, side)
      this.#absorb(root, neighbour)
    }
    if (time < this.#time(target, this.#fields.start)) this.#setTime(target, this.#fields.start, time)
    if (time > this.#time(target, this.#fields.last)) this.#setTime(target, this.#fields.last, time)
    return target
  }

  /** Adds a session at a time that touches none; the key is that of `#root`, where the time was looked for. */
  #insert(time: number): number {
    const root = this.#root
    const session = this.#sessions.allocateLike(root)
    holdKey(this.#parts, this.#sessions, session, true)
    this.#tree.insert(root, session, this.#tree.side(root, time))
    this.#setRoot(root, session)
    return session
  }

  /** Merges a session into another and forgets it. */
  #absorb(target: number, session: number): void {
    const store = this.#sessions
    const { start, last, state } = this.#fields
    mergeRecord(this.#parts, store, target, store, session)
    this.#setTime(target, start, Math.min(this.#time(target, start), this.#time(session, start)))
    this.#setTime(target, last, Math.max(this.#time(target, last), this.#time(session, last)))
    if (this.#get(session, state) === RETRACTED && this.#get(target, state) === OPEN) {
      this.#set(target, state, RETRACTED)
      this.#revised.push(target)
    }
    this.#state.remove(session)
    this.#free(session)
  }

  /** Before a fired session changes, its result is taken back (WS4). */
  #takeBack(session: number): void {
    if (this.#get(session, this.#fields.state) !== FIRED) return
    this.#oldResults.set(session, this.#corrections.retract(this.#rowsOf(session)))
    this.#fireAfterBatch(session)
  }

  /** After a batch: sessions whose results were taken back fire again, or wait for their new end. */
  #fireRevised(): void {
    for (const session of this.#revised) {
      // One that was absorbed since is free, or already somebody else.
      if (this.#get(session, this.#fields.state) !== RETRACTED) continue
      const end = this.#time(session, this.#fields.last) + this.#gap
      const isComplete = end < this.#watermark
      if (isComplete) {
        // Equal to what was taken back only if this session was never absorbed, and then it has its number still.
        const old = this.#oldResults.get(session) ?? -1
        this.#corrections.add(this.#rowsOf(session), () => old)
      }
      this.#set(session, this.#fields.state, isComplete ? FIRED : OPEN)
      this.#heap.set(session, isComplete ? end + this.#lateness : end)
    }
    this.#revised.length = 0
    this.#oldResults.clear()
    this.#corrections.emit()
  }

  /** A session that came up in the heap: goes back when it has grown, is written, or is dropped. */
  #takeDue(session: number): void {
    const end = this.#time(session, this.#fields.last) + this.#gap
    if (this.#get(session, this.#fields.state) === FIRED) {
      this.#drop(session)
    } else if (end >= this.#watermark) {
      this.#heap.set(session, end)
    } else {
      this.#dueSessions[this.#due++] = session
    }
  }

  /** Writes the sessions that are due, and drops them unless they are kept for late rows. */
  #writeDue(): void {
    if (this.#due === 0) return
    this.#output.write({ ...this.#rows(this.#dueSessions, this.#due), weight: 1 })
    for (let n = 0; n < this.#due; n++) {
      const session = this.#dueSessions[n] as number
      const dropAt = this.#time(session, this.#fields.last) + this.#gap + this.#lateness
      if (dropAt < this.#watermark) this.#drop(session)
      else {
        this.#set(session, this.#fields.state, FIRED)
        this.#sessions.mark(session)
        this.#heap.set(session, dropAt)
      }
    }
    this.#due = 0
  }

  #rowsOf(session: number): Omit<WindowRows, 'weight'> {
    return this.#rows(Int32Array.of(session), 1)
  }

  #rows(sessions: Int32Array, count: number): Omit<WindowRows, 'weight'> {
    return {
      keys: this.#sessions,
      groups: sessions,
      store: this.#sessions,
      records: sessions,
      from: 0,
      to: count,
      windowStart: (n) => this.#time(sessions[n] as number, this.#fields.start),
      windowEnd: (n) => this.#time(sessions[n] as number, this.#fields.last) + this.#gap,
    }
  }

  /** Takes a session out of its key's tree and forgets it (WS5). */
  #drop(session: number): void {
    const table = this.#sessions
    table.loadKey(table.i32, session * table.words)
    const found = table.find()
    this.#tree.splay(found, this.#time(session, this.#fields.start))
    const root = this.#tree.removeRoot(session)
    if (root < 0) this.#forget(session)
    else {
      this.#setRoot(found, root)
      this.#free(session)
    }
  }

  /** Forgets the only session of a key, and the key. */
  #forget(session: number): void {
    this.#letGo(session)
    this.#sessions.remove(session)
  }

  /** Forgets a session that has no entry in the table. */
  #free(session: number): void {
    this.#letGo(session)
    this.#sessions.release(session)
  }

  #letGo(session: number): void {
    this.#heap.remove(session)
    this.#oldResults.delete(session)
    releaseRecord(this.#parts, this.#sessions, session)
    holdKey(this.#parts, this.#sessions, session, false)
    this.#set(session, this.#fields.state, OPEN)
  }

  #setRoot(from: number, to: number): void {
    if (from !== to) this.#sessions.redirect(from, to)
    this.#root = to
  }

  #touches(session: number, time: number): boolean {
    const { start, last } = this.#fields
    return time >= this.#time(session, start) - this.#gap && time <= this.#time(session, last) + this.#gap
  }

  #time(session: number, { offset }: RecordField): number {
    return this.#sessions.f64[session * (this.#sessions.words >> 1) + offset] as number
  }

  #setTime(session: number, { offset }: RecordField, value: number): void {
    this.#sessions.f64[session * (this.#sessions.words >> 1) + offset] = value
  }

  #get(session: number, { offset }: RecordField): number {
    return this.#sessions.i32[session * this.#sessions.words + offset] as number
  }

  #set(session: number, { offset }: RecordField, value: number): void {
    this.#sessions.i32[session * this.#sessions.words + offset] = value
  }

  /** Takes back the memory of emitted batches (O3). */
  #recycle(): void {
    this.#output.recycle()
    this.#corrections.recycle()
  }

  #emitOutput(): void {
    const batch = this.#output.take()
    if (batch !== undefined) this.#main(batch)
  }

  #countState(): void {
    const { counters } = this.#context
    counters.stateEntries = this.#sessions.live
    counters.stateBytes =
      this.#sessions.bytes +
      this.#heap.bytes +
      this.#parts.strings.memoryBytes +
      this.#parts.blocks.bytes +
      this.#parts.pool.retainedBytes
  }
}
