/** Table of contents of `testing`: what tests of pipelines and connectors use. */
export type { ConformanceOptions, TestTools } from './conformance.ts'
export type { ManualHost } from './manual-host.ts'
export { createManualHost } from './manual-host.ts'
export type { FileFault, FileOperation } from './file-faults.ts'
export { MemoryFiles } from './memory-files.ts'
export { ProcessKilled, SimulatedMachine } from './simulated-host.ts'
export type { Kill } from './simulated-host.ts'
export { SimulatedDisk } from './simulated-disk.ts'
export type { Choose } from './simulated-disk.ts'
export { SimulatedFiles } from './simulated-files.ts'
export type { SinkConformanceOptions } from './sink-conformance.ts'
export { sinkConformance } from './sink-conformance.ts'
export type { SinkSubject } from './sink-trial.ts'
export { prepareEpoch } from './sink-trial.ts'
export type { FollowedSubject, SourceConformanceOptions, SourceSubject } from './source-conformance.ts'
export { sourceConformance } from './source-conformance.ts'
export type { StoreConformanceOptions, StoreSubject } from './store-conformance.ts'
export { storeConformance } from './store-conformance.ts'
export { drive, tableOf } from './driver/index.ts'
export type {
  AnyRow,
  Change,
  CrashOptions,
  CrashPoint,
  DrivenEpoch,
  DriveOptions,
  KeptTimer,
  Moment,
  PartitionCounts,
  RestartOptions,
  SentRow,
  TableOptions,
  TestDriver,
  TestOutput,
  TestPartition,
  TestSource,
  TestStep,
} from './driver/index.ts'
