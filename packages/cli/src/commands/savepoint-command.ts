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
    {
      name: 'epoch',
      value: 'EPOCH',
      description: 'of this epoch; default: the newest of which all rows are out',
    },
    { name: 'json', description: 'as one JSON object on standard output, for programs' },
  ],
  details: [
    'A savepoint stands for itself: it can be moved, kept, and begun with as often as wanted (millrace run --from-savepoint). Every byte is checked while it is copied. The job may be running: then an epoch is taken that it has put out shortly before. Epochs of which outputs hold rows back for larger files are refused: end the job first, or let files end with every epoch (the option roll of the sink).',
  ],
  examples: [
    {
      line: 'millrace savepoint --state .state --to saved/monday',
      meaning: 'Keeps the newest epoch of which all rows are out.',
    },
  ],
  load: async () => (await import('./savepoint.ts')).savepoint,
}
