/**
 * Join of two keyed streams whose rows are near each other in event time: the right one's lies in [left + lower, left +
 * upper].
 *
 * A row is late when the watermark has passed it and the allowed lateness: rows that it should join may be gone. It is kept
 * until the last row that is near it would be late. Pairs leave as they are found, at the later of their times; rows
 * without a partner when the watermark proves that none will come, at their own. The watermark behind the step is held
 * back by as much as those are behind it.
 *
 * Invariants (tests quote them):
 *  IJ1  Every pair within the bounds leaves once, whatever the order of arrival, unless one of its rows was late.
 *  IJ2  A row without a partner leaves as soon as the watermark and the allowed lateness have passed all its partners.
 *  IJ3  No row that leaves is behind the watermark that was told behind the step.
 *  IJ4  A key without rows takes no memory.
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount, rowIndex } from '../../data/batch.ts'
import { columnIndex } from '../../data/schema.ts'
import type { Field, Schema } from '../../data/type.ts'
import { LATE_PORT, LATE_RIGHT_PORT } from '../../plan/logical.ts'
import type { IntervalJoinNode } from '../../plan/logical.ts'
import {
  ArrayPool,
  BlockHeap,
  GroupTable,
  RecordLayout,
  SWEPT_MAX,
  StringTable,
  keyLayout,
} from '../../state/index.ts'
import type { KeyLayout, RecordField } from '../../state/index.ts'
import type { Operator, OperatorContext, OperatorState } from '../operator.ts'
import { JoinPairs } from './join-pairs.ts'
import type { PairColumn } from './join-pairs.ts'
import { JoinSide } from './join-side.ts'
import type { JoinGround, JoinSideOptions } from './join-side.ts'
import { JoinState } from './join-state.ts'

/** Rows that one call of `advance` forgets before it hands back to the task. */
const ROWS_PER_SLICE = 10_000

/**
 * Makes the operator of an interval join for one task. Both inputs carry event time and come by the key.
 */
export function createIntervalJoin(
  node: IntervalJoinNode,
  inputSchemas: readonly Schema[],
  context: OperatorContext,
): Operator {
  return new IntervalJoin(node, inputSchemas as readonly [Schema, Schema], context)
}

class IntervalJoin implements Operator {
  readonly state: OperatorState
  readonly #node: IntervalJoinNode
  readonly #context: OperatorContext
  readonly #strings = new StringTable()
  readonly #blocks = new BlockHeap()
  readonly #key: KeyLayout
  readonly #keys: GroupTable
  /** Rows of both sides that a key has. */
  readonly #live: RecordField
  readonly #sides: readonly [JoinSide, JoinSide]
  readonly #pairs: JoinPairs
  /** Rows whose time is over, of one side at a time. */
  readonly #over: Int32Array
  #watermark = -Infinity
  /** The number of the next row: rows of a key are told apart by it. */
  #number = 0

  constructor(node: IntervalJoinNode, schemas: readonly [Schema, Schema], context: OperatorContext) {
    this.#node = node
    this.#context = context
    const layouts = keyLayouts(node, schemas)
    this.#key = layouts[0]
    const pool = new ArrayPool()
    const layout = new RecordLayout(this.#key.words)
    this.#live = layout.add('i32', 0)
    const ground = { context, strings: this.#strings, blocks: this.#blocks, pool, keyLayout: layout }
    this.#sides = makeSides(node, { schemas, layouts, ground })
    this.#keys = new GroupTable({ keyWords: this.#key.words, template: layout.template(), pool })
    for (const side of this.#sides) side.open(this.#keys)
    this.#pairs = new JoinPairs({
      node,
      context,
      sides: this.#sides,
      pairSchema: pairSchema(node, schemas),
      columns: pairColumns(node),
    })
    this.#over = new Int32Array(Math.max(1, context.batchRows))
    this.state = this.#makeState()
  }

  push(batch: Batch, input: number): void {
    this.#pairs.recycle()
    const at = input as 0 | 1
    const side = this.#sides[at]
    const arrived = side.arrived(batch, this.#watermark, (unmatchable) => this.#leaveAlone(at, unmatchable))
    const count = rowCount(arrived)
    if (count === 0) return
    side.locate(arrived, this.#keys)
    side.keep(arrived)
    this.#match(at, arrived, count)
    this.#pairs.settle()
    // Partners that lie before a row are all there when it comes: it is over at once, and no snapshot has it.
    if (side.options.partnersToMs < 0) while (!this.#forgetOver(this.#watermark, true));
    this.#countState()
  }

  advance(watermark: number): boolean {
    this.#pairs.recycle()
    this.#watermark = watermark
    const isDone = this.#forgetOver(watermark, true)
    this.#pairs.flush()
    this.#countState()
    return isDone && this.#strings.sweepSome(SWEPT_MAX)
  }

  outputWatermark(watermark: number): number {
    const [left, right] = this.#sides
    // Semi joins give a left row at its own time when a partner comes.
    const behind = ({ options }: JoinSide): number =>
      options.tracksPartners ? Math.max(0, options.partnersToMs) : 0
    return watermark - this.#node.allowedLatenessMs - Math.max(behind(left), behind(right))
  }

  flush(): void {
    this.#pairs.recycle()
    this.#pairs.flush()
  }

  close(): void {
    for (const { rows } of this.#sides) rows.dispose()
    this.#keys.dispose()
  }

  /** Enters rows one by one, and finds the partners of each that are there already. */
  #match(at: 0 | 1, batch: Batch, count: number): void {
    const [own, other] = at === 0 ? this.#sides : [this.#sides[1], this.#sides[0]]
    const { partnersFromMs, partnersToMs } = own.options
    const keys = this.#keys
    const pairs = this.#pairs
    const { records, groups } = own
    const { selection } = batch
    const times = batch.eventTime as Float64Array
    for (let n = 0; n < count; n++) {
      // Timers of user functions may give rows a part of a millisecond.
      const time = Math.floor(times[selection === undefined ? n : (selection[n] as number)] as number)
      const record = records[n] as number
      const group = groups[n] as number
      own.enter(record, keys, { group, time, number: this.#number++ })
      ;(keys.i32[group * keys.words + this.#live.offset] as number)++
      const to = time + partnersToMs
      const end = other.lists.end(keys, group)
      // What the list still says of rows that were forgotten does not count.
      const from = Math.max(time + partnersFromMs, other.liveFrom)
      for (let place = other.lists.find(keys, group, from); place < end; place++) {
        const partnerTime = other.lists.timeAt(keys, group, place)
        if (partnerTime > to) break
        const partner = other.lists.recordAt(keys, group, place)
        const later = partnerTime > time ? partnerTime : time
        if (at === 0) pairs.add(record, partner, later)
        else pairs.add(partner, record, later)
      }
    }
  }

  /** Rows that equal nothing are without a partner from the beginning. */
  #leaveAlone(at: 0 | 1, batch: Batch): void {
    const side = this.#sides[at]
    if (!side.options.givesUnmatched) return
    side.keep(batch)
    const count = rowCount(batch)
    for (let n = 0; n < count; n++)
      this.#pairs.addAlone(
        at,
        side.records[n] as number,
        Math.floor((batch.eventTime as Float64Array)[rowIndex(batch, n)] as number),
      )
    // Before their memory is given back (KR3).
    this.#pairs.flush()
    for (let n = 0; n < count; n++) side.rows.release(side.records[n] as number)
  }

  /** Forgets rows whose time is over; with `gives`, those without a partner leave. False when more are left. */
  #forgetOver(watermark: number, gives: boolean): boolean {
    for (const side of this.#sides) side.liveFrom = watermark - side.livesMs
    for (let rows = 0; rows < ROWS_PER_SLICE;) {
      const [left, right] = this.#sides
      const count =
        this.#forgetSome(0, left, { watermark, gives }) + this.#forgetSome(1, right, { watermark, gives })
      if (count === 0) return true
      rows += count
    }
    return false
  }

  #forgetSome(
    at: 0 | 1,
    side: JoinSide,
    { watermark, gives }: { readonly watermark: number; readonly gives: boolean },
  ): number {
    const over = this.#over
    let count = 0
    while (count < over.length) {
      const record = side.wheel.take(watermark)
      if (record < 0) break
      over[count++] = record
    }
    if (count === 0) return 0
    if (gives) {
      if (side.options.givesUnmatched) {
        for (let n = 0; n < count; n++) {
          const record = over[n] as number
          if (!side.hasPartner(record)) this.#pairs.addAlone(at, record, side.timeOf(record))
        }
      }
      // Before their memory is given back (KR3).
      this.#pairs.flush()
    }
    for (let n = 0; n < count; n++) {
      const record = over[n] as number
      this.#leave(side.groupOf(record))
      side.release(record)
    }
    return count
  }

  /** A key has a row less; one without rows is forgotten (IJ4). */
  #leave(group: number): void {
    const keys = this.#keys
    const at = group * keys.words + this.#live.offset
    const live = (keys.i32[at] as number) - 1
    keys.i32[at] = live
    if (live > 0) return
    for (const { lists } of this.#sides) lists.release(keys, group)
    for (const word of this.#key.stringWords)
      this.#strings.release(keys.i32[group * keys.words + word] as number)
    keys.remove(group)
  }

  #makeState(): OperatorState {
    return new JoinState({
      node: this.#node,
      place: this.#context,
      sides: this.#sides,
      keys: this.#keys,
      live: this.#live,
      strings: this.#strings,
      progress: () => ({ watermark: this.#watermark, number: this.#number }),
      goOn: ({ watermark, number }) => {
        this.#watermark = Math.max(this.#watermark, watermark)
        this.#number = Math.max(this.#number, number)
      },
      beginTime: () => {
        this.#watermark = -Infinity
        for (const side of this.#sides) side.liveFrom = -Infinity
      },
      restored: () => {
        while (!this.#forgetOver(this.#watermark, false));
        this.#strings.sweep()
        this.#countState()
      },
    })
  }

  #countState(): void {
    const { counters } = this.#context
    const [left, right] = this.#sides
    counters.stateEntries = left.rows.records.live + right.rows.records.live
    counters.waitingRows = left.waiting + right.waiting
    counters.stateBytes =
      left.bytes + right.bytes + this.#keys.bytes + this.#blocks.bytes + this.#strings.memoryBytes
  }
}

/** Where keys lie: rows with a null in their key are not looked for, so both sides have the same words. */
function keyLayouts(
  node: IntervalJoinNode,
  [left, right]: readonly [Schema, Schema],
): readonly [KeyLayout, KeyLayout] {
  const layoutOf = (schema: Schema, names: readonly string[]): KeyLayout =>
    keyLayout({ fields: schema.fields.map((field) => ({ ...field, nullable: false })) }, names, node.step)
  return [
    layoutOf(
      left,
      node.on.map((pair) => pair.left),
    ),
    layoutOf(
      right,
      node.on.map((pair) => pair.right),
    ),
  ]
}

function makeSides(
  node: IntervalJoinNode,
  {
    schemas,
    layouts,
    ground,
  }: {
    readonly schemas: readonly [Schema, Schema]
    readonly layouts: readonly [KeyLayout, KeyLayout]
    readonly ground: JoinGround
  },
): readonly [JoinSide, JoinSide] {
  const { join, lowerMs, upperMs, allowedLatenessMs } = node
  const isHalf = join === 'semi' || join === 'anti'
  const givesLeft = join === 'left' || join === 'full' || join === 'anti'
  const givesRight = join === 'right' || join === 'full'
  const make = (at: 0 | 1, options: Omit<JoinSideOptions, 'schema' | 'key' | 'columns'>): JoinSide =>
    new JoinSide(
      { ...options, schema: schemas[at], key: layouts[at], columns: keptPositions(node, at, schemas[at]) },
      ground,
    )
  return [
    make(0, {
      latePort: LATE_PORT,
      partnersFromMs: lowerMs,
      partnersToMs: upperMs,
      allowedLatenessMs,
      tracksPartners: givesLeft || isHalf,
      givesUnmatched: givesLeft,
    }),
    make(1, {
      latePort: LATE_RIGHT_PORT,
      partnersFromMs: -upperMs,
      partnersToMs: -lowerMs,
      allowedLatenessMs,
      tracksPartners: givesRight,
      givesUnmatched: givesRight,
    }),
  ]
}

const sideNames = ['left', 'right'] as const

/** The columns of one side that are kept, each once. */
function keptNames(node: IntervalJoinNode, at: 0 | 1): readonly string[] {
  return [...new Set(node.columns.filter(({ side }) => side === sideNames[at]).map(({ column }) => column))]
}

function keptPositions(node: IntervalJoinNode, at: 0 | 1, schema: Schema): readonly number[] {
  return keptNames(node, at).map((name) => columnIndex(schema, name))
}

function pairColumns(node: IntervalJoinNode): readonly PairColumn[] {
  const names = [keptNames(node, 0), keptNames(node, 1)] as const
  return node.columns.map(({ side, column }) => {
    const at = side === 'left' ? 0 : 1
    return { side: at, kept: names[at].indexOf(column) }
  })
}

/** Pairs as the condition sees them: with both rows there. */
function pairSchema(node: IntervalJoinNode, [left, right]: readonly [Schema, Schema]): Schema {
  const fields = node.columns.map(({ name, side, column }) => {
    const schema = side === 'left' ? left : right
    return { ...(schema.fields[columnIndex(schema, column)] as Field), name }
  })
  return { fields }
}
