/** The door of `sdk`: the typed builder that pipelines are written with. */
export { isPipeline, pipeline } from './pipeline.ts'
export type { BuildOptions, BuiltPipeline, Pipeline, PipelineBuilder } from './pipeline.ts'
export type {
  DeclaredOption,
  DurationOptionDeclaration,
  OptionDeclaration,
  OptionValue,
  OptionValues,
} from './options.ts'
export { isStream } from './handles.ts'
export type {
  Dataset,
  EventTimeColumn,
  EventTimeInput,
  EventTimeOptions,
  Readable,
  ReadOptions,
} from './read.ts'
export type { EpochLimits } from '../plan/index.ts'
export type {
  AggregatedStream,
  FunctionOptions,
  Joined,
  KeyedRow,
  KeyInput,
  KeyOf,
  LookupJoinOptions,
  ProcessedStream,
  Projected,
  Projection,
  RejectingStream,
  Selected,
  Stream,
  Writable,
} from './stream.ts'
export type { IntervalJoinOptions, JoinedPair, JoinedStream, Pair, SameKeys } from './join.ts'
export type { JoinKind } from '../plan/index.ts'
export type { BoundsOf, KeyedStream, WindowedStream, WindowOptions } from './windowed-stream.ts'
export type { SourceHost } from './undeclared-source.ts'
export { globalWindow, session, sliding, tumbling } from './windows.ts'
export type { GlobalWindow, SlidingOptions, TimeWindow, WindowOffset } from './windows.ts'
export type {
  Aggregate,
  Aggregates,
  CustomAggregate,
  NamedAggregates,
  ResultOf,
  TopOf,
  TopOptions,
} from './aggregates.ts'
export { state } from './process.ts'
export type {
  FiredTimer,
  ListState,
  MapState,
  ProcessContext,
  ProcessDefinition,
  SideSchemas,
  StateBuilders,
  StateMigration,
  StateMigrations,
  StateOptions,
  StateType,
  StateTypes,
  UntypedMigration,
  ValueState,
} from './process.ts'
export type {
  BooleanColumn,
  ColumnName,
  ColumnOf,
  Extended,
  Flat,
  NotNull,
  NumericColumn,
  WindowBounds,
} from './row-types.ts'
export type { ExpressionOf, ValueOfInput } from './expression-input.ts'
