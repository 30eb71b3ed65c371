/** `millrace savepoint`: the command's data. What it does is savepoint.ts. */
import type { Command } from '../command-line/command.ts'

export const savepointCommand: Command = {
  name: 'savepoint',
  summary: 'copy one epoch into a directory that jobs can start from',
  operand: undefined,
  flags: [
    { name: 'state', value: 'DIR', description: 'the state directory, or s3://bucket/prefix' },
    {
      name: 'to',
      value: 'DIR',
      description: 'the savepoint, a directory (or s3://bucket/prefix) that is not there yet',
    },
    { name: 'epoch', value: 'EPOCH', description: 'of this epoch; default: the newest' },
    { name: 'json', description: 'as one JSON object on standard output, for programs' },
  ],
  details: [
    'A savepoint stands for itself: it can be moved, kept, and begun with as often as wanted (millrace run --from-savepoint). Every byte is checked while it is copied. The job may be running; an epoch whose rows are not all put out is refused.',
  ],
  examples: [
    { line: 'millrace savepoint --state .state --to saved/monday', meaning: 'Keeps the newest epoch.' },
  ],
  load: async () => (await import('./savepoint.ts')).savepoint,
}
