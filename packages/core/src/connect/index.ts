/** Table of contents of `connect`: the contracts of sources, sinks and formats, and the connectors that need no client. */
export type {
  DecoderOptions,
  EncoderOptions,
  Format,
  RandomAccessFile,
  RandomFileSummary,
  RandomFormat,
  RandomReader,
  RandomReaderOptions,
  RecordDecoder,
  RecordEncoder,
  RecordFormat,
  RejectedRecord,
} from './format.ts'
export type {
  Boundedness,
  Horizon,
  HorizonWish,
  Pushdown,
  ReadResult,
  RejectedRow,
  Source,
  SourceContext,
  SourceDescription,
  Split,
  SplitEnumerator,
  SplitReader,
} from './source.ts'
export type {
  Attempt,
  ChangeSupport,
  CommitOutcome,
  EpochId,
  OpenSink,
  OutputMode,
  Sink,
  SinkOf,
  SinkContext,
  SinkDescription,
  SinkNotice,
  SinkStore,
  SinkWriter,
} from './sink.ts'
export type {
  ObjectAnswer,
  ObjectClient,
  ObjectFailure,
  ObjectFailureKind,
  ObjectPage,
  ObjectPart,
  ObjectUpload,
  UploadPage,
} from '../objects/object-client.ts'
export { cellJson, cellText } from './cell-text.ts'
export { laterOutput } from './later-output.ts'
export type { CountCommittable } from './blackhole.ts'
export { blackhole } from './blackhole.ts'
export type { ConsoleCommittable, ConsoleOptions } from './console.ts'
export { toConsole } from './console.ts'
export type { HttpCommittable } from './http/http-requests.ts'
export type { HttpOptions } from './http/http-options.ts'
export { toHttp } from './http/http-sink.ts'
export type { MemoryOptions, MemoryPosition, MemoryStream } from './memory.ts'
export { memoryBatches, memoryRows, memoryStream } from './memory.ts'
export type { MemoryCommit, MemoryCommittable, MemorySink } from './memory-sink.ts'
export { memorySink } from './memory-sink.ts'
export type { RateOptions, RatePosition, RateRow } from './rate.ts'
export { rate } from './rate.ts'
export type {
  NexmarkAuction,
  NexmarkBid,
  NexmarkKind,
  NexmarkOptions,
  NexmarkPerson,
  NexmarkRows,
} from './nexmark/index.ts'
export { nexmark, nexmarkSchemas } from './nexmark/index.ts'
