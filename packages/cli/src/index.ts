/** The door of the command line: `main` takes the arguments and gives the exit code. */
export { exitCodes, main } from './main.ts'
