/** The engine: operators, tasks and the loop that drives them. No I/O and no clock of its own. */
export { writeFailure } from './connector-failure.ts'
export { Execution } from './execution.ts'
export type { OpenSinkStep } from './execution.ts'
export { TaskLoop } from './task-loop.ts'
export type { LoopEnd } from './task-loop.ts'
