/**
 * Checks of the options of files: names that exist, values that mean something.
 *
 * The compiler tells TypeScript users the same; these are for JavaScript, casts, and values that come from outside.
 */
import { MillraceError } from '../../errors.ts'
import type { Field, Schema } from '../../data/type.ts'
import { parseDuration } from '../../time/duration.ts'
import type { Duration } from '../../time/duration.ts'
import type { CsvOptions } from '../formats/csv/csv.ts'
import type { NdjsonOptions } from '../formats/json/ndjson.ts'
import type { ParquetOptions } from '../formats/parquet/index.ts'
import { checkOptionNames } from '../../data/option-names.ts'
import type { FileEventTime, FileOptions, FileWriteOptions } from './dataset.ts'

const fileOptions = {
  schema: true,
  eventTime: true,
  disorder: true,
  onError: true,
  follow: true,
  lostRows: true,
  pollInterval: true,
  splitBytes: true,
  partitionBy: true,
  roll: true,
  openFilesMax: true,
  compression: true,
} as const satisfies Record<keyof FileOptions<unknown> | 'schema', true>

const textOptions = {
  epochUnit: true,
  timestamps: true,
  recordBytesMax: true,
} as const satisfies Record<keyof NdjsonOptions, true>

const tsvOptions = {
  quote: true,
  escape: true,
  comment: true,
  trim: true,
  header: true,
  nulls: true,
  ...textOptions,
} as const satisfies Record<Exclude<keyof CsvOptions, 'delimiter'>, true>

const parquetOptions = {
  compression: true,
  rowGroupRows: true,
  rowGroupBytes: true,
  metadata: true,
} as const satisfies Record<keyof ParquetOptions, true>

const eventTimeOptions = {
  column: true,
  disorder: true,
  watermark: true,
  idleAfter: true,
  onMissing: true,
} as const satisfies Record<keyof FileEventTime, true>

/** The functions that make datasets of files. */
export type DatasetFunction = 'ndjson' | 'json' | 'csv' | 'tsv' | 'parquet' | 'files'

/** What the options of each function are called; those that are not of files are the format's. */
const formatOptions: Readonly<Record<DatasetFunction, readonly string[]>> = {
  ndjson: Object.keys(textOptions),
  json: Object.keys(textOptions),
  csv: ['delimiter', ...Object.keys(tsvOptions)],
  tsv: Object.keys(tsvOptions),
  parquet: Object.keys(parquetOptions),
  files: [],
}

/** Characters of a wrong value that a message shows. */
const SHOWN_MAX = 100

/** Options by the side that they are for. */
export interface PartedOptions {
  readonly ofFiles: { readonly [name: string]: unknown }
  readonly ofFormat: { readonly [name: string]: unknown }
}

/** Checks that all options exist and parts them; what is undefined is left out. Parquet's compression is the format's. */
export function partOptions(of: DatasetFunction, options: object): PartedOptions {
  const format = formatOptions[of]
  const names = [...new Set([...format, ...Object.keys(fileOptions)])]
  checkOptionNames(of, options, names)
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  return {
    ofFiles: Object.fromEntries(given.filter(([name]) => !format.includes(name))),
    ofFormat: Object.fromEntries(given.filter(([name]) => format.includes(name))),
  }
}

/** The error of an option with a value outside its range. */
export function wrongOption(name: string, value: unknown, expected: string): MillraceError {
  return new MillraceError('plan/invalid-argument', {
    what: `the file option "${name}" has the value ${shown(value)}`,
    detail: `expected ${expected}`,
  })
}

function shown(value: unknown): string {
  const text = textOf(value)
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text
}

function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    // A circle, or a bigint.
    return String(value)
  }
}

/** A value that is one of a few words, or not given. */
export function checkChoice(name: string, value: unknown, choices: readonly string[]): void {
  if (value === undefined || choices.some((choice) => choice === value)) return
  throw wrongOption(name, value, choices.map((choice) => `'${choice}'`).join(' or '))
}

/** A schema, or none. */
export function checkDeclared(schema: unknown): void {
  if (schema === undefined) return
  const fields: unknown = typeof schema === 'object' ? (schema as Schema | null)?.fields : undefined
  const isSchema = Array.isArray(fields) && fields.every((field: unknown) => isField(field))
  if (!isSchema)
    throw wrongOption('schema', schema, 'a schema, as schema({ … }) or fromStandardSchema(…) makes it')
}

function isField(value: unknown): boolean {
  const field = value as Partial<Field> | null | undefined
  return typeof field?.name === 'string' && typeof field.type?.kind === 'string'
}

/** Event time: a column's name, or an object that names it. */
export function checkEventTime(eventTime: unknown): void {
  if (eventTime === undefined) return
  const column = typeof eventTime === 'object' ? (eventTime as FileEventTime | null)?.column : eventTime
  if (typeof column !== 'string' || column === '')
    throw wrongOption('eventTime', eventTime, 'the name of a column, or { column, … }')
  if (typeof eventTime === 'string') return
  checkOptionNames('eventTime', eventTime, Object.keys(eventTimeOptions))
  const { watermark, onMissing } = eventTime as FileEventTime
  checkChoice('eventTime.onMissing', onMissing, ['fail', 'reject'])
  if (typeof watermark !== 'object') return checkChoice('eventTime.watermark', watermark, ['at-end'])
  if (watermark === null) throw wrongOption('eventTime.watermark', watermark, "'at-end' or { from: column }")
  checkOptionNames('eventTime.watermark', watermark, ['from'])
}

/** Columns to partition by. */
export function checkPartitionBy(columns: unknown): void {
  const isList = Array.isArray(columns) && columns.every((name) => typeof name === 'string' && name !== '')
  if (!isList) throw wrongOption('partitionBy', columns, "a list of columns, such as ['day']")
  if (new Set(columns).size < columns.length) throw wrongOption('partitionBy', columns, 'each column once')
}

/** When files end. */
export function checkRoll(roll: FileWriteOptions['roll']): void {
  if (roll === undefined || roll === 'epoch') return
  if (typeof roll !== 'object' || roll === null)
    throw wrongOption('roll', roll, "'epoch', or an object with size or interval")
  checkOptionNames('roll', roll, ['size', 'interval'])
}

/** The milliseconds of a length of time that is not 0. */
export function positiveDuration(name: string, duration: Duration): number {
  const ms = parseDuration(duration)
  if (ms === 0) throw wrongOption(name, duration, 'a length of time above 0')
  return ms
}

/** A size in bytes. */
export function checkBytes(name: string, bytes: unknown): void {
  if (Number.isInteger(bytes) && (bytes as number) >= 1) return
  throw wrongOption(name, bytes, 'a whole number of bytes, 1 or more')
}
