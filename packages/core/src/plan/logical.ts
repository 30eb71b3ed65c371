/**
 * The logical graph that the SDK and SQL both lower to (law L9): plain frozen data.
 *
 * A node is a step with a user-given name (the identity of its state), its output schema and its inputs. User
 * functions and connectors are referenced by id; the objects themselves live beside the graph in `PlanBindings`,
 * because no closure is ever serialised: every worker builds the same graph again and the hashes must agree.
 */
import type { DataType, Json, Schema } from '../data/type.ts'
import type { Expression, NamedExpression } from '../expr/expression.ts'
import type { SinkDescription, Sink } from '../connect/sink.ts'
import type { Source, SourceDescription } from '../connect/source.ts'

/** An output of a step: `main`, or a named side output (`late`, `rejected`, or one that the user declared). */
export interface Input {
  readonly step: string
  readonly port: string
}

/** The name of a step's first output. */
export const MAIN_PORT = 'main'

/** The output that takes rows too late for every window they fall into. */
export const LATE_PORT = 'late'

/** The same for the rows of a join's second input. */
export const LATE_RIGHT_PORT = 'late-right'

/** The output of a source that takes rows it cannot decode. */
export const REJECTED_PORT = 'rejected'

/** The output of a partial aggregate that takes rows it does not group. */
export const RAW_PORT = 'raw'

/** How a split's watermark follows from its own rows. */
export type WatermarkStrategy =
  /** The highest event time so far minus `disorderMs` (0: ascending). */
  | { readonly kind: 'bounded-disorder'; readonly disorderMs: number }
  /** No watermark before the end of the split. */
  | { readonly kind: 'at-end' }
  /** A row for which the expression is not null carries the watermark (milliseconds). */
  | { readonly kind: 'punctuated'; readonly expression: Expression }

/** Which column is event time, and what is promised about its order. */
export interface EventTime {
  readonly column: string
  readonly watermark: WatermarkStrategy
  /** A split without rows for so long (processing time) leaves the watermark's minimum; 0: never. */
  readonly idleAfterMs: number
  /** Rows whose event time is null: fail, or go to the rejected output. */
  readonly onMissing: 'fail' | 'reject'
}

/** Windows as data. All times in milliseconds. */
export type WindowSpec =
  | { readonly kind: 'tumbling'; readonly sizeMs: number; readonly offsetMs: number }
  | { readonly kind: 'sliding'; readonly sizeMs: number; readonly slideMs: number; readonly offsetMs: number }
  | { readonly kind: 'session'; readonly gapMs: number }
  /** One window over everything: fires at the end of the input. */
  | { readonly kind: 'global' }

/** A built-in aggregate over a column, or a user-defined one. `name` is the output column. */
export interface AggregateCall {
  readonly name: string
  readonly aggregate:
    | 'count'
    | 'sum'
    | 'min'
    | 'max'
    | 'mean'
    | 'variance'
    | 'stddev'
    | 'quantile'
    | 'count-distinct'
    | 'approximate-distinct'
    | 'first'
    | 'last'
    | 'top'
    | 'collect'
    | 'user'
  /** Input columns (0 for count, 1 for most; top: the column that orders). Expressions are projected before. */
  readonly columns: readonly string[]
  /** Rows for which this boolean column is not true do not count (SQL's FILTER). */
  readonly filter: string | undefined
  /** quantile: {q}, top: {n, order}, collect: {max}, approximate-distinct: {precision}. */
  readonly parameters: { readonly [name: string]: Json }
  /** user: id in PlanBindings.functions. */
  readonly functionId: string | undefined
  readonly type: DataType
  readonly nullable: boolean
}

/** A piece of keyed state that a process step declares. */
export interface StateDeclaration {
  readonly name: string
  readonly kind: 'value' | 'list' | 'map'
  readonly type: DataType
  readonly keyType: DataType | undefined
}

interface NodeBase {
  readonly step: string
  /** Schema of the main output. */
  readonly schema: Schema
  readonly inputs: readonly Input[]
  /** Schemas of the further outputs by port name. */
  readonly sidePorts: { readonly [port: string]: Schema }
}

/** How much of a source an epoch of micro-batch mode reads, at most. */
export interface EpochLimits {
  /** Rows as they are read; shared out evenly where splits are read side by side. */
  readonly maxRows?: number
  /** Bytes of input, about: a split of fixed size is never cut, and one is always read. */
  readonly maxBytes?: number
  /** Splits, which for files are files or parts of them. */
  readonly maxFiles?: number
}

export interface SourceNode extends NodeBase {
  readonly kind: 'source'
  readonly source: SourceDescription
  readonly eventTime: EventTime | undefined
  /** Filled in by the push-down rules. `columns` undefined: all. */
  readonly pushdown: {
    readonly columns: readonly string[] | undefined
    readonly predicate: Expression | undefined
  }
  readonly onError: 'fail' | 'reject'
  /** Undefined: an epoch reads all that is there. */
  readonly perEpoch?: EpochLimits | undefined
}

/** Filter and projection by expressions; `outputs` undefined keeps all columns. */
export interface TransformNode extends NodeBase {
  readonly kind: 'transform'
  readonly predicate: Expression | undefined
  readonly outputs: readonly NamedExpression[] | undefined
  /** Steps that a rewrite rule merged into this one, in their order, this one included; for display only. */
  readonly merged?: readonly string[] | undefined
}

/** A user function over row views: keep or drop, one to one, or one to many. */
export interface RowFunctionNode extends NodeBase {
  readonly kind: 'row-function'
  readonly shape: 'filter' | 'map' | 'flat-map'
  readonly functionId: string
  readonly onError: 'fail' | 'reject'
  /** The only columns that the function reads; undefined: it may read all. */
  readonly uses?: readonly string[] | undefined
  /**
   * Shape `map` only. The function returns just these new columns; the other columns of the output schema are passed
   * through from the input unchanged. Undefined: it returns whole rows.
   */
  readonly adds?: readonly string[] | undefined
}

export interface UnionNode extends NodeBase {
  readonly kind: 'union'
}

/** Declares the key of what follows; keys are columns of its input. An exchange by key group stands here. */
export interface KeyByNode extends NodeBase {
  readonly kind: 'key-by'
  readonly keys: readonly string[]
}

/**
 * Aggregates per key and window. Output: keys, windowStart, windowEnd (timestamp ms, not for global), aggregates.
 *
 * A second input, which only the rule aggregate-before-exchange adds, brings accumulators of a partial aggregate.
 */
export interface WindowAggregateNode extends NodeBase {
  readonly kind: 'window-aggregate'
  readonly keys: readonly string[]
  readonly window: WindowSpec
  readonly aggregates: readonly AggregateCall[]
  readonly allowedLatenessMs: number
}

/**
 * The first half of an aggregation, in front of its exchange: groups rows for a while and sends accumulators. Only the
 * rule aggregate-before-exchange makes it. Main output: keys, the number of rows, the accumulators' columns
 * (accumulator-columns.ts); raw output: rows as they came, when grouping them is not possible or not worth it.
 *
 * It keeps nothing that outlives a watermark which ends a window, and nothing that a restore would need.
 */
export interface PartialAggregateNode extends NodeBase {
  readonly kind: 'partial-aggregate'
  readonly keys: readonly string[]
  readonly window: Exclude<WindowSpec, { kind: 'session' }>
  readonly aggregates: readonly AggregateCall[]
}

/** A user function with keyed state and timers. */
export interface ProcessNode extends NodeBase {
  readonly kind: 'process'
  readonly keys: readonly string[]
  readonly state: readonly StateDeclaration[]
  readonly functionId: string
  /** The only columns that the function reads besides the keys; undefined: it may read all. */
  readonly uses?: readonly string[] | undefined
}

/** Left (or inner) join with a small bounded table: inputs are [stream, table]. The table is read whole before the stream flows. */
export interface LookupJoinNode extends NodeBase {
  readonly kind: 'lookup-join'
  readonly join: 'left' | 'inner'
  readonly on: readonly { readonly left: string; readonly right: string }[]
  /** Columns taken from the table: output name and table column. */
  readonly columns: readonly { readonly name: string; readonly column: string }[]
}

/** Which rows a join gives besides pairs; `semi` and `anti` give left rows with and without a partner, and no pairs. */
export type JoinKind = 'inner' | 'left' | 'right' | 'full' | 'semi' | 'anti'

/** A column of a pair of rows. */
export interface JoinColumn {
  readonly name: string
  readonly side: 'left' | 'right'
  /** Its name in the input. */
  readonly column: string
}

/**
 * Joins rows of one key whose event times are near each other: the right one's lies in [left + lowerMs, left + upperMs].
 * Both inputs are keyed. Output: `columns`; of the left side only for semi and anti.
 */
export interface IntervalJoinNode extends NodeBase {
  readonly kind: 'interval-join'
  readonly join: JoinKind
  readonly on: readonly { readonly left: string; readonly right: string }[]
  readonly lowerMs: number
  readonly upperMs: number
  /** How far behind the watermark a row is taken in. */
  readonly allowedLatenessMs: number
  readonly columns: readonly JoinColumn[]
  /** Over `columns`; pairs for which it is not true are none. */
  readonly condition: Expression | undefined
}

export interface SinkNode extends NodeBase {
  readonly kind: 'sink'
  readonly sink: SinkDescription
}

/** A step of a plan. */
export type LogicalNode =
  | SourceNode
  | TransformNode
  | RowFunctionNode
  | UnionNode
  | KeyByNode
  | WindowAggregateNode
  | PartialAggregateNode
  | ProcessNode
  | LookupJoinNode
  | IntervalJoinNode
  | SinkNode

/** A whole pipeline: nodes in topological order (inputs before users, otherwise the order they were written in). */
export interface LogicalPlan {
  readonly name: string
  readonly nodes: readonly LogicalNode[]
}

/** The objects that a plan refers to by id. Keys: step name for sources and sinks, function id for functions. */
export interface PlanBindings {
  readonly sources: ReadonlyMap<string, Source>
  readonly sinks: ReadonlyMap<string, Sink>
  readonly functions: ReadonlyMap<string, unknown>
}

/** What building a pipeline gives: the graph and the objects it refers to. */
export interface BuiltPlan {
  readonly plan: LogicalPlan
  readonly bindings: PlanBindings
}
