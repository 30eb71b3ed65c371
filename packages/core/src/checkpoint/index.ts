/** Checkpoints: the log, its entries, stores, and what to do with them. Knows bytes and names, never operators. */
export { DirectoryStore } from './directory-store.ts'
export type { DirectoryHost } from './directory-store.ts'
export { decodeEntry, encodeEntry, expectEntry, LOG_FORMAT } from './entry.ts'
export type {
  DecodedEntry,
  Delivered,
  Entry,
  EpochPlan,
  Manifest,
  NumberedEntry,
  PendingCommit,
  RunEnd,
  StateFileReference,
  Takeover,
} from './entry.ts'
export { CheckpointLog } from './log.ts'
export type { Appended } from './log.ts'
export { decideStart, owed } from './recovery.ts'
export type { StartDecision, StartWishes } from './recovery.ts'
export { decideRemoval } from './retention.ts'
export type { Removal, RetentionFacts } from './retention.ts'
export { isStoreName } from './store.ts'
export type { ByteRange, CheckpointStore, StoredFile, StoreWriter } from './store.ts'
