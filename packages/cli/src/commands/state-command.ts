/** `millrace state`: the command's data. What it does is state.ts. */
import type { Command } from '../command-line/command.ts'

export const stateCommand: Command = {
  name: 'state',
  summary: 'read the keyed state of a checkpoint as rows',
  operand: { name: 'ACTION', description: 'ls, get STEP KEY… or dump STEP', more: '[STEP] [KEY…]' },
  flags: [
    { name: 'state', value: 'DIR', description: 'the state directory, or s3://bucket/prefix' },
    { name: 'epoch', value: 'EPOCH', description: 'of this epoch; default: the newest' },
    {
      name: 'table',
      value: 'TABLE',
      description: 'get, dump: only this table of the step, such as values or list:NAME',
    },
    {
      name: 'format',
      short: 'f',
      value: 'FORMAT',
      choices: ['ndjson', 'parquet'],
      default: 'ndjson',
      description: 'dump: ndjson or parquet',
    },
    {
      name: 'output',
      short: 'o',
      value: 'PATH',
      description: 'dump: where to; a file for ndjson (default: standard output), a directory for parquet',
    },
  ],
  details: [
    'ls tells the steps that keep state, their tables, key columns and rows. get prints the rows of one key: a word for each key column, in their order. dump prints all rows of a step.',
    'Rows are JSON, one per line, with the fields "table" and those of the row. Values of process steps have their declared types; accumulators of windows are shown as the columns in which a checkpoint keeps them. Bytes are base64, integers beyond 2^53 and moments texts.',
    'get ends with 1 when nothing is kept of the key.',
  ],
  examples: [
    { line: 'millrace state ls --state .state', meaning: 'What is kept, step by step.' },
    { line: 'millrace state get count ATL --state .state', meaning: 'What step "count" keeps of one key.' },
    {
      line: 'millrace state dump count --state .state --format parquet --output counts',
      meaning: 'All of it as Parquet files, a folder for each table.',
    },
  ],
  load: async () => (await import('./state.ts')).state,
}
