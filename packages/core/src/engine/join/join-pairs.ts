/**
 * Rows of a join on their way out: pairs of kept rows, checked against the condition, and written column by column.
 *
 * −1 stands for no partner. What is written may refer to the memory of kept rows: it leaves before any of them is
 * forgotten (KR3 of state/kept-rows.ts).
 */
import { BatchBuilder } from '../../data/batch-builder.ts'
import type { ColumnBuilder } from '../../data/column-builder.ts'
import type { Schema } from '../../data/type.ts'
import { rowCount, rowIndex } from '../../data/batch.ts'
import { compileTransform } from '../../expr/index.ts'
import type { Transform } from '../../expr/index.ts'
import type { IntervalJoinNode } from '../../plan/logical.ts'
import { MAIN_PORT } from '../../plan/logical.ts'
import type { Emit, OperatorContext } from '../operator.ts'
import { LentBuilders } from '../rows/lent-builders.ts'
import type { JoinSide } from './join-side.ts'

/** Where a column of a pair comes from. */
export interface PairColumn {
  readonly side: 0 | 1
  /** Its place among the kept columns of the side. */
  readonly kept: number
}

/** What pairs are made of. */
export interface JoinPairsOptions {
  readonly node: IntervalJoinNode
  readonly context: OperatorContext
  readonly sides: readonly [JoinSide, JoinSide]
  /** All columns of pairs, those for the condition included. */
  readonly pairSchema: Schema
  readonly columns: readonly PairColumn[]
}

/** Pairs of records. */
interface Pairs {
  readonly left: Int32Array
  readonly right: Int32Array
  readonly times: Float64Array
  count: number
}

/** Gathers pairs, and emits what becomes of them. */
export class JoinPairs {
  readonly #options: JoinPairsOptions
  readonly #emit: Emit
  readonly #batchRows: number
  readonly #condition: Transform | undefined
  readonly #candidates: BatchBuilder
  /** Pairs that are not settled yet, and those that leave. */
  readonly #found: Pairs
  readonly #result: Pairs
  readonly #builders: LentBuilders

  constructor(options: JoinPairsOptions) {
    const { node, context, pairSchema } = options
    this.#options = options
    this.#emit = context.emit(MAIN_PORT)
    this.#batchRows = Math.max(1, context.batchRows)
    this.#condition =
      node.condition === undefined
        ? undefined
        : compileTransform({ schema: pairSchema, predicate: node.condition, outputs: undefined })
    this.#candidates = new BatchBuilder(pairSchema, this.#condition === undefined ? 1 : this.#batchRows)
    this.#found = makePairs(this.#batchRows)
    this.#result = makePairs(this.#batchRows)
    this.#builders = new LentBuilders(
      () => new BatchBuilder(node.schema, this.#batchRows, { eventTime: true }),
    )
  }

  /** Two rows that are near each other, before the condition. */
  add(left: number, right: number, time: number): void {
    const found = this.#found
    found.left[found.count] = left
    found.right[found.count] = right
    found.times[found.count++] = time
    if (found.count === this.#batchRows) this.settle()
  }

  /** A row that leaves alone. */
  addAlone(side: 0 | 1, record: number, time: number): void {
    this.#give(side === 0 ? record : -1, side === 1 ? record : -1, time)
  }

  /** Decides about the pairs so far. */
  settle(): void {
    const found = this.#found
    if (found.count === 0) return
    if (this.#condition === undefined) for (let n = 0; n < found.count; n++) this.#settleOne(n)
    else {
      const candidates = this.#candidates
      candidates.reset()
      this.#write(candidates, found)
      const passed = this.#condition.run(candidates.finish())
      for (let n = 0; n < rowCount(passed); n++) this.#settleOne(rowIndex(passed, n))
    }
    found.count = 0
  }

  /** Lets everything leave that was settled. */
  flush(): void {
    const result = this.#result
    if (result.count === 0) return
    const builder = this.#builders.take()
    this.#write(builder, result)
    ;(builder.eventTime as Float64Array).set(result.times.subarray(0, result.count))
    result.count = 0
    this.#emit(this.#builders.lend(builder))
  }

  /** Takes back the memory of emitted batches (O3). */
  recycle(): void {
    this.#builders.takeBack()
  }

  #settleOne(n: number): void {
    const { left, right, times } = this.#found
    const [leftSide, rightSide] = this.#options.sides
    const l = left[n] as number
    const r = right[n] as number
    const isFirst = leftSide.options.tracksPartners && leftSide.found(l)
    if (rightSide.options.tracksPartners) rightSide.found(r)
    switch (this.#options.node.join) {
      case 'semi':
        if (isFirst) this.#give(l, -1, leftSide.timeOf(l))
        return
      case 'anti':
        return
      default:
        this.#give(l, r, times[n] as number)
    }
  }

  #give(left: number, right: number, time: number): void {
    const result = this.#result
    result.left[result.count] = left
    result.right[result.count] = right
    result.times[result.count++] = time
    if (result.count === this.#batchRows) this.flush()
  }

  /** Writes the columns of pairs that a builder has, which are the first of all. */
  #write(builder: BatchBuilder, { left, right, count }: Pairs): void {
    const { sides, columns } = this.#options
    builder.reserve(count)
    for (const [c, out] of builder.columns.entries()) {
      const { side, kept } = columns[c] as PairColumn
      const numbers = side === 0 ? left : right
      sides[side].rows.lend(kept, { numbers, from: 0, to: count }, out as ColumnBuilder, 0)
    }
    builder.length = count
  }
}

function makePairs(rows: number): Pairs {
  return { left: new Int32Array(rows), right: new Int32Array(rows), times: new Float64Array(rows), count: 0 }
}
