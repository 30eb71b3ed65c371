/**
 * The connector types that a plan's bindings name, for rooms that may see plans but not connectors (sdk, sql).
 *
 * Types only: a plan refers to its connectors by step name and never calls them.
 */
export type { Source } from '../connect/source.ts'
export type { Sink, SinkOf } from '../connect/sink.ts'
