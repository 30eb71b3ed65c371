/** The commands, in the order of the help. */
import type { Command } from '../command-line/command.ts'
import { checkCommand } from './check-command.ts'
import { checkpointsCommand } from './checkpoints-command.ts'
import { explainCommand } from './explain-command.ts'
import { runCommand } from './run-command.ts'
import { savepointCommand } from './savepoint-command.ts'
import { schemaCommand } from './schema-command.ts'
import { stateCommand } from './state-command.ts'

/** Every command of the command line. */
export const commands: readonly Command[] = [
  runCommand,
  explainCommand,
  schemaCommand,
  checkCommand,
  checkpointsCommand,
  savepointCommand,
  stateCommand,
]
