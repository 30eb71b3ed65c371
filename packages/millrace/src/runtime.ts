/** Running pipelines from code, and what `millrace run` hands to the `report` of a module. */
export * from '@millrace/core/runtime'
export type { FinishedRun, Report } from '@millrace/cli'
