/** Table of contents of the host: the engine's only door to the outside. */
export type {
  ByteChecks,
  Clock,
  Compression,
  CompressionStream,
  Files,
  FileStatus,
  Host,
  OpenFile,
  OpenMode,
  Processes,
  ProcessIdentity,
  Random,
  Terminal,
  Timer,
  Timers,
} from './host.ts'
