/**
 * The connector types that a plan's bindings name, for rooms that may see plans but not connectors (sdk, sql).
 *
 * Types only: a plan refers to its connectors by step name and never calls them.
 */
export type { RejectedRow, Source, SourceDescription } from '../connect/source.ts'
export type { ChangeSupport, Sink, SinkDescription } from '../connect/sink.ts'
