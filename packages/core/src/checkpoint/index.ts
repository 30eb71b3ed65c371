/** Checkpoints: the log, its entries, stores, and what to do with them. Knows bytes and names, never operators. */
export { cutToBase } from './base.ts'
export { DirectoryStore } from './directory-store.ts'
export { decodeEntry, encodeEntry, filesOf } from './entry.ts'
export type {
  BorderFileReference,
  Branch,
  Entry,
  EpochPlan,
  Manifest,
  NumberedEntry,
  PendingCommit,
  RunEnd,
  StageBorder,
  StateFileReference,
  Takeover,
} from './entry.ts'
export { historyOf } from './lineage.ts'
export { CheckpointLog } from './log.ts'
export type { Appended } from './log.ts'
export type { ObjectAnswer, ObjectClient, ObjectFailureKind, ObjectUpload } from '../objects/object-client.ts'
export { ObjectStore } from './object-store.ts'
export type { ObjectStoreOptions } from './object-store.ts'
export { decideStart } from './recovery.ts'
export type { StartDecision, StartWishes } from './recovery.ts'
export { CHECKPOINTS_KEPT, decideRemoval } from './retention.ts'
export type { Removal, RetentionFacts } from './retention.ts'
export { beginWithSavepoint, readSavepoint, refuseSavepoint, writeSavepoint } from './savepoint.ts'
export { countingPart, decideGoingBack, salvagedManifests, salvageLog } from './salvage.ts'
export type { DamagedEntry } from './salvage.ts'
export { attemptOfStateFile, STATE_FOLDER, stateFileName } from './state-file-name.ts'
export { joinStateFiles } from './join-state-files.ts'
export { StateFileReader, StateFileWriter } from './state-file.ts'
export type { FinishedStateFile, StatePart, StateRows } from './state-file.ts'
export type { CheckpointStore } from './store.ts'
