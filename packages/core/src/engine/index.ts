/** The engine: operators, tasks and the loop that drives them. No I/O and no clock of its own. */
export { writeFailure } from './connector-failure.ts'
export { cutExecution, endRestore, restoreRows, statesOf } from './cut.ts'
export type { ExecutionCut, StepState } from './cut.ts'
export { Execution } from './execution.ts'
export type { OpenSinkStep } from './execution.ts'
export { TaskLoop } from './task-loop.ts'
export type { EpochCutter, LoopEnd } from './task-loop.ts'
