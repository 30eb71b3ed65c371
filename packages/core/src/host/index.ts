/** Table of contents of the host: the engine's only door to the outside. */
export type {
  ByteChecks,
  Clock,
  Compression,
  CompressionStream,
  Environment,
  Files,
  FileStatus,
  Host,
  Http,
  HttpAnswer,
  HttpRequest,
  OpenFile,
  OpenMode,
  Processes,
  ProcessIdentity,
  Random,
  Terminal,
  Timer,
  Timers,
} from './host.ts'
export { DurableFolders } from './durable-folders.ts'
