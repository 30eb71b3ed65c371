/** `millrace checkpoints`: the command's data. What it does is checkpoints.ts. */
import type { Command } from '../command-line/command.ts'

export const checkpointsCommand: Command = {
  name: 'checkpoints',
  summary: 'list, show, verify or export the epochs that are kept',
  operand: { name: 'ACTION', description: 'ls, show EPOCH, verify or export', more: '[EPOCH]' },
  flags: [
    { name: 'state', value: 'DIR', description: 'the state directory, or s3://bucket/prefix' },
    { name: 'epoch', value: 'EPOCH', description: 'export: of this epoch; default: the newest' },
    {
      name: 'format',
      short: 'f',
      value: 'FORMAT',
      choices: ['ndjson', 'parquet'],
      default: 'ndjson',
      description: 'export: the format of the files',
    },
    { name: 'to', value: 'DIR', description: 'export: where to, a directory that is not there yet' },
    { name: 'json', description: 'ls, show, verify: as JSON on standard output, for programs' },
  ],
  details: [
    'ls tells of every epoch that can be gone on from: when it became durable, the attempt and the history (lineage) that wrote it, bytes of state, rows of outputs, and how the run ended. show tells all of one. verify reads every byte of every kept epoch and says which are whole. export writes the rows of every table of state, STEP/TABLE below the directory.',
    'Nothing is changed, and the job may be running meanwhile; what it removes while it is looked at is told as missing.',
    'verify ends with 1 when something is damaged.',
  ],
  examples: [
    { line: 'millrace checkpoints ls --state .state', meaning: 'What is kept.' },
    { line: 'millrace checkpoints show 41 --state .state', meaning: 'All of one epoch.' },
    { line: 'millrace checkpoints verify --state .state', meaning: 'Before one needs them.' },
    {
      line: 'millrace checkpoints export --state .state --to exported --format parquet',
      meaning: 'The whole state as Parquet files.',
    },
  ],
  load: async () => (await import('./checkpoints.ts')).checkpoints,
}
