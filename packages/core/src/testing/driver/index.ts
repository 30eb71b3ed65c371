/** Table of contents of `driver`: driving a pipeline in a test. */
export { drive } from './test-driver.ts'
export type {
  CrashOptions,
  DriveOptions,
  DrivenEpoch,
  RestartOptions,
  TestDriver,
  TestStep,
} from './test-driver.ts'
export type { PartitionCounts } from './driven-plan.ts'
export type { Change, CrashPoint } from './driven-sink.ts'
export type { KeptTimer } from './kept-state.ts'
export { tableOf } from './row-table.ts'
export type { TableOptions } from './row-table.ts'
export type { AnyRow, TestOutput } from './test-sink.ts'
export type { Moment, SentRow, TestPartition, TestSource } from './test-source.ts'
