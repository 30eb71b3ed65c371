/** Running a pipeline in this process: modes, epochs, progress. */
export { Job } from './job.ts'
export type { JobOptions, JobResult, RunMode } from './job.ts'
export { DirectoryStore, ObjectStore } from '../checkpoint/index.ts'
export type { CheckpointStore } from '../checkpoint/index.ts'
export type { JobStart } from './running-job.ts'
export type { JobProgress, StepProgress } from './progress.ts'
export type { CommitRetry } from './commit-retries.ts'
