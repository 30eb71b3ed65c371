/** The door of the command line: `main` takes the arguments and gives the exit code. */
export { main } from './main.ts'
export type { MainOptions } from './main.ts'
export { exitCodes } from './exit-codes.ts'
export type { ExitCode } from './exit-codes.ts'
export type { FinishedRun, Report } from './module/report.ts'
export type { Surroundings, TextOutput } from './surroundings.ts'
