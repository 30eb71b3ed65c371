/**
 * Joins of two keyed streams as people write them. Types only; lower-join.ts does the work.
 */
import type { JoinKind } from '../plan/index.ts'
import type { Duration } from '../time/index.ts'
import type { ExpressionOf } from './expression-input.ts'
import type { Flat } from './row-types.ts'
import type { Stream } from './stream.ts'

/** A left row beside columns of a right one: what the condition of a join sees. */
export type Pair<Left, Right, Select> = Flat<
  Left & { readonly [Name in keyof Select]: Select[Name] extends keyof Right ? Right[Select[Name]] : never }
>

/** How rows of two streams are joined. */
export interface IntervalJoinOptions<Left, Right, Join extends JoinKind, Select> {
  /**
   * How far the right row's event time is from the left one's, at least and at most: `['-5 min', '10 s']`. Both ends
   * belong to it.
   */
  readonly within: readonly [from: Duration, to: Duration]
  /**
   * `inner` (default): pairs. `left`, `right`, `full`: also rows of that side, or both, without a partner. `semi` and
   * `anti`: left rows with, or without, a partner; what is selected is for the condition then.
   */
  readonly join?: Join
  /** Columns taken from the right row: `{ nameInTheResult: 'columnOfTheRight' }`. All of the left one are there. */
  readonly select: Select
  /** A further condition over both: rows for which it is not true are no partners. */
  readonly where?: ExpressionOf<Pair<Left, Right, Select>>
  /** How far behind the watermark rows are taken in; default 0. Rows stay longer by as much. */
  readonly allowedLateness?: Duration
}

/** Refuses keys whose values can never be equal. */
export type SameKeys<Left, Right> = [NonNullable<Right[keyof Right]>] extends [NonNullable<Left[keyof Left]>]
  ? unknown
  : { readonly 'the keys have different types': never }

type Nullable<Row> = { readonly [Name in keyof Row]: Row[Name] | null }

/** The row of a join: the left one's columns and those taken, null where a kind of join may leave a side out. */
export type JoinedPair<Left, Right, Join, Select> = Join extends 'semi' | 'anti'
  ? Left
  : Flat<
      (Join extends 'right' | 'full' ? Nullable<Left> : Left) & {
        readonly [Name in keyof Select]: Select[Name] extends keyof Right
          ? Right[Select[Name]] | (Join extends 'left' | 'full' ? null : never)
          : never
      }
    >

/** The result of a join. */
export interface JoinedStream<Row, Left, Right> extends Stream<Row> {
  /** Left rows that came too late. They are counted, whether read or not. */
  readonly late: Stream<Left>
  /** Right rows that came too late. */
  readonly lateRight: Stream<Right>
}
