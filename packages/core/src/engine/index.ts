/** The engine: operators, tasks and the loop that drives them. No I/O and no clock of its own. */
export { writeFailure } from './connector-failure.ts'
export { Execution } from './execution.ts'
export type { ExecutionOptions, OpenSinkStep } from './execution.ts'
export { TaskLoop } from './task-loop.ts'
export type { LoopEnd, TaskLoopOptions } from './task-loop.ts'
export type { Emit, Operator, OperatorContext, StepCounters } from './operator.ts'
export type { SourceStep } from './source-step.ts'
