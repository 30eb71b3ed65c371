/** `millrace schema`: the command's data. What it does is schema.ts. */
import type { Command } from '../command-line/command.ts'

export const schemaCommand: Command = {
  name: 'schema',
  summary: 'show the columns of a file and the schema to write for it',
  operand: {
    name: 'FILE',
    description:
      'a Parquet, NDJSON, JSON, CSV or TSV file (also .gz and .zst), or a directory or glob of them (then the first file is looked at)',
  },
  flags: [{ name: 'json', description: 'print one JSON object, for programs' }],
  details: [
    'Parquet files say their columns themselves. Of text files the first rows are looked at: columns, types and nullability are then a guess that you can correct before you paste it.',
  ],
  examples: [
    {
      line: 'millrace schema data/flights.parquet',
      meaning: 'Columns, types, rows, and a schema({ … }) to paste into a pipeline.',
    },
    { line: 'millrace schema orders.csv --json', meaning: 'The same for programs.' },
  ],
  load: async () => (await import('./schema.ts')).showSchema,
}
