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
  flags: [
    {
      name: 'delimiter',
      short: 'd',
      value: 'CHAR',
      description: "CSV: what stands between fields, such as ';' or tab",
    },
    {
      name: 'no-header',
      description: 'CSV: the first line is data; columns are named column1, column2 and so on',
    },
    { name: 'quote', value: 'CHAR', description: 'CSV: what stands around fields with special characters' },
    {
      name: 'escape',
      value: 'CHAR',
      description: 'CSV: what makes a quote in such a field plain: the quote, or a backslash',
    },
    { name: 'comment', value: 'CHAR', description: 'CSV: lines that begin with it are skipped' },
    {
      name: 'null',
      value: 'TEXT',
      repeated: true,
      description: 'CSV: a text that means null, beside the empty one, such as NA',
    },
    { name: 'trim', description: 'CSV: drop spaces around fields' },
    { name: 'json', description: 'print one JSON object, for programs' },
  ],
  details: [
    'Parquet files say their columns themselves. Of text files the first rows are looked at: columns, types and nullability are then a guess that you can correct before you paste it.',
    'The flags of CSV are the options of csv(…) in a pipeline, and make CSV of a file with any ending. Columns that come from the names of folders (day=2001-01-31/) are text until a schema says otherwise.',
  ],
  examples: [
    {
      line: 'millrace schema data/flights.parquet',
      meaning: 'Columns, types, rows, and a schema({ … }) to paste into a pipeline.',
    },
    {
      line: "millrace schema export.txt --delimiter ';' --null NA",
      meaning: 'Another dialect of CSV; the call that reads it is printed as well.',
    },
    { line: 'millrace schema orders.csv --json', meaning: 'The same for programs.' },
  ],
  load: async () => (await import('./schema.ts')).showSchema,
}
