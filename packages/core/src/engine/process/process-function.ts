/**
 * What a `process` step calls, and what its functions get: the run-time shape without the types of the SDK.
 */
import type { ListStateHandle, MapStateHandle, ValueStateHandle } from '../../state/index.ts'

/** State of the key at hand, of one of three kinds. */
export type StateHandle = ValueStateHandle | ListStateHandle | MapStateHandle

/** A timer that fires. */
export interface FiredTimer {
  readonly name: string
  /** The event time that it was set for, in milliseconds. */
  readonly time: number
}

/** What the functions of a `process` step can reach. Valid during the call only. */
export interface ProcessContext {
  /** The key columns and their values. */
  readonly key: object
  readonly state: { readonly [name: string]: StateHandle }
  /** The row's event time, or the timer's time; undefined on streams without event time. */
  readonly eventTime: number | undefined
  /** No row with an event time before this is expected; −Infinity at the beginning. */
  readonly watermark: number
  /** The clock, in milliseconds since 1970. Results that depend on it differ from run to run. */
  now(): number
  emit(row: object): void
  /** Emits a row to a side output. */
  emitTo(port: string, row: object): void
  /** Calls `onTimer` when the watermark reaches `time`. One timer per key and name: setting it again moves it. */
  setTimer(name: string, time: number): void
  deleteTimer(name: string): void
}

/** The functions of a `process` step. */
export interface ProcessFunction {
  onRow(row: unknown, context: ProcessContext): void
  onTimer?(context: ProcessContext, timer: FiredTimer): void
}
