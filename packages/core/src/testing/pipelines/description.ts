/**
 * A pipeline and its input as plain JSON: what the generator draws, what is kept of a failure, what becomes a program.
 *
 * Expressions are SQL text. Functions are named and come from functions.ts and processes.ts. A stream is named by its step,
 * a further output by `step.port`.
 */
import type { Field, Json } from '../../data/index.ts'
import type { AggregateCall, JoinKind, WindowSpec } from '../../plan/index.ts'

/** A pipeline with its input. */
export interface PipelineCase {
  readonly sources: readonly SourceCase[]
  readonly steps: readonly StepCase[]
  /** Streams that are written somewhere; each sink is named after its stream. */
  readonly outputs: readonly string[]
}

/** Rows in memory. */
export interface SourceCase {
  readonly name: string
  readonly columns: readonly Field[]
  /** Cells in the order of the columns, as cell-json.ts writes them. */
  readonly rows: readonly (readonly Json[])[]
  readonly splits: number
  readonly eventTime?: {
    readonly column: string
    /** Milliseconds of disorder; or no watermark before the end; or a column that carries it. */
    readonly watermark: number | 'at-end' | { readonly from: string }
    readonly onMissing: 'fail' | 'reject'
  }
}

/** Expressions by column. */
export interface ColumnsCase {
  readonly [column: string]: string
}

/** A call of a function of the library in functions.ts or processes.ts. */
export interface FunctionCase {
  readonly fn: string
  /** Columns that it reads. */
  readonly columns: readonly string[]
  /** Numbers and other settings. */
  readonly settings: { readonly [name: string]: Json }
}

/** An aggregate: its input and condition are expressions. */
export interface AggregateCase {
  readonly name: string
  readonly aggregate: AggregateCall['aggregate']
  readonly input?: string
  readonly filter?: string
  readonly parameters: { readonly [name: string]: Json }
}

interface Step {
  readonly name: string
  readonly input: string
}

/** A step. */
export type StepCase = Step &
  (
    | { readonly kind: 'where'; readonly condition: string }
    | { readonly kind: 'select' | 'extend'; readonly columns: ColumnsCase }
    | { readonly kind: 'omit' | 'not-null'; readonly columns: readonly string[] }
    | { readonly kind: 'rename'; readonly columns: ColumnsCase }
    | ({
        readonly kind: 'filter' | 'with' | 'map' | 'flat-map'
        readonly onError: 'fail' | 'reject'
      } & FunctionCase)
    | { readonly kind: 'union'; readonly others: readonly string[] }
    | {
        readonly kind: 'aggregate'
        /** Key columns and what they are; none: all rows together. */
        readonly keys: ColumnsCase
        readonly window: WindowSpec
        readonly allowedLatenessMs: number
        readonly aggregates: readonly AggregateCase[]
      }
    | ({ readonly kind: 'process'; readonly keys: ColumnsCase } & FunctionCase)
    | {
        readonly kind: 'lookup-join'
        readonly table: string
        readonly join: 'left' | 'inner'
        readonly on: { readonly [left: string]: string }
        readonly select: { readonly [name: string]: string }
      }
    | {
        readonly kind: 'interval-join'
        readonly other: string
        readonly join: JoinKind
        readonly on: { readonly [left: string]: string }
        readonly withinMs: readonly [from: number, to: number]
        readonly select: { readonly [name: string]: string }
        /** Over the columns of the left row and those that are selected. */
        readonly condition?: string
      }
  )

/** A kind of step. */
export type StepKind = StepCase['kind']
