/**
 * Keyed and windowed streams: what stands between `keyBy` and the results.
 */
import type { JoinKind } from '../plan/index.ts'
import type { Duration } from '../time/index.ts'
import type { Aggregates, NamedAggregates, ResultOf } from './aggregates.ts'
import type { ProcessDefinition, SideSchemas, StateTypes } from './process.ts'
import type { Flat, WindowBounds } from './row-types.ts'
import type { IntervalJoinOptions, JoinedPair, JoinedStream, SameKeys } from './join.ts'
import type { AggregatedStream, ProcessedStream } from './stream.ts'
import type { GlobalWindow, TimeWindow } from './windows.ts'

/** How windows treat late rows. */
export interface WindowOptions {
  /** How far the watermark may be past a window's end before a row for it is late; default 0. */
  readonly allowedLateness?: Duration
}

/** The columns of its bounds that a window gives to results: a global one has none. */
export type BoundsOf<Window> = Window extends GlobalWindow ? unknown : WindowBounds

/** Rows grouped by a key, ready for windows or for a function with state. */
export interface KeyedStream<Row, Key> {
  /**
   * Groups the rows of each key by time: `window(tumbling('1 hour'))`. Needs event time. With `globalWindow()` there is
   * one window over everything: its results come at the end of the input.
   */
  window<const Window extends TimeWindow | GlobalWindow>(
    window: Window,
    options?: WindowOptions,
  ): WindowedStream<Row, Key, BoundsOf<Window>>
  /**
   * Joins rows of equal keys whose event times are near each other. Both sides need event time, and keys of the same types
   * in the same order; null equals nothing.
   *
   * A row is late when the watermark has passed it (and the allowed lateness): rows that it should join may be gone. Rows
   * without a partner leave when the watermark shows that none can come. A pair has the later of both event times, a row
   * without a partner its own.
   *
   * @example
   * ```ts in-pipeline
   * flights.keyBy('by-destination', 'destination').join('transfers', flights.keyBy('by-origin', 'origin'), {
   *   within: ['-30 min', '3 hours'],
   *   select: { next: 'destination' },
   * })
   * ```
   * @throws MillraceError `plan/no-event-time`, `plan/type-mismatch` for keys of different types, `plan/invalid-name` for
   *   a column that is there twice.
   */
  join<
    Right,
    RightKey,
    const Select extends { readonly [name: string]: keyof Right & string },
    const Join extends JoinKind = 'inner',
  >(
    name: string,
    right: KeyedStream<Right, RightKey> & SameKeys<Key, RightKey>,
    options: IntervalJoinOptions<Row, Right, Join, Select>,
  ): JoinedStream<JoinedPair<Row, Right, Join, Select>, Row, Right>
  /**
   * Runs your own function over the rows of each key, with state and timers.
   *
   * @example
   * ```ts in-pipeline
   * const firsts = flights.keyBy('by-origin', 'origin').process('first-of-each', {
   *   state: { seen: state.value(t.boolean()) },
   *   output: schema({ origin: t.string() }),
   *   onRow(row, ctx) {
   *     if (ctx.state.seen.get() === undefined) ctx.emit({ origin: row.origin })
   *     ctx.state.seen.set(true)
   *   },
   * })
   * ```
   */
  process<
    Out,
    const State extends StateTypes = {},
    const Sides extends SideSchemas = {},
    const Used extends keyof Row & string = keyof Row & string,
  >(
    name: string,
    definition: ProcessDefinition<Row, Key, Out, State, Sides, Used>,
  ): ProcessedStream<Out, Sides>
}

/** Rows grouped by key and window. */
export interface WindowedStream<Row, Key, Bounds> {
  /**
   * Computes aggregates per key and window: one row each, with the key, `windowStart`, `windowEnd` (exclusive) and
   * the aggregates. A row leaves when the watermark passes the window's end; an empty window gives no row.
   *
   * @example
   * ```ts in-pipeline
   * flights
   *   .keyBy('by-origin', 'origin')
   *   .window(tumbling('1 hour'))
   *   .aggregate('hourly', (a) => ({
   *     flights: a.count(),
   *     meanDelay: a.mean('delay'),
   *     lateShare: a.mean(sql`delay > 15`),
   *   }))
   * ```
   * Columns of rows are named as strings, which the editor completes; expressions are checked when the pipeline is
   * built.
   */
  aggregate<const Results extends NamedAggregates<Row>>(
    name: string,
    aggregates: (a: Aggregates<Row>) => Results,
  ): AggregatedStream<Flat<Key & Bounds & { readonly [Name in keyof Results]: ResultOf<Results[Name]> }>, Row>
}
