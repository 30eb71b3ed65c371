/**
 * Options that the text formats share, with their defaults and checks. They stand in plans, so they are JSON-safe.
 */
import { MillraceError } from '../../../errors.ts'

/** The unit of a number that stands for a point in time. */
export type EpochUnit = 's' | 'ms' | 'us' | 'ns'

/** How times stand in text. */
export interface TimeTextOptions {
  /** Unit of timestamps that are plain numbers, read or (with `timestamps: 'epoch'`) written; default `'ms'`. */
  readonly epochUnit?: EpochUnit
  /** How timestamps are written: ISO 8601 text (default) or numbers in `epochUnit`. Both are always read. */
  readonly timestamps?: 'iso' | 'epoch'
}

/** Bounds that the text formats share. */
export interface RecordLimitOptions {
  /** A longer record is not decoded (F4: it is rejected, or an error); default 16 MiB. */
  readonly recordBytesMax?: number
}

/** The default bound of one record: large enough for documents, small enough for memory. */
const RECORD_BYTES_MAX: number = 16 * 1024 * 1024

/** The option `epochUnit`, checked. */
export function epochUnitOf(options: TimeTextOptions): EpochUnit {
  const unit = options.epochUnit ?? 'ms'
  if (unit !== 's' && unit !== 'ms' && unit !== 'us' && unit !== 'ns') {
    throw invalidOption('epochUnit', unit, "one of 's', 'ms', 'us', 'ns'")
  }
  return unit
}

/** The option `timestamps`, checked. */
export function timestampTextOf(options: TimeTextOptions): 'iso' | 'epoch' {
  const text = options.timestamps ?? 'iso'
  if (text !== 'iso' && text !== 'epoch') throw invalidOption('timestamps', text, "'iso' or 'epoch'")
  return text
}

/** The option `recordBytesMax`, checked. */
export function recordBytesMaxOf(options: RecordLimitOptions): number {
  const bytes = options.recordBytesMax ?? RECORD_BYTES_MAX
  if (!Number.isInteger(bytes) || bytes < 1 || bytes > 2 ** 30) {
    throw invalidOption('recordBytesMax', bytes, 'a whole number of bytes from 1 to 1 GiB')
  }
  return bytes
}

/** The error of an option with a value outside its range. */
export function invalidOption(
  name: string,
  value: unknown,
  expected: string,
  hint: string = 'correct the option, or leave it out for its default',
): MillraceError {
  return new MillraceError('plan/invalid-argument', {
    what: `the format option "${name}" has the value ${JSON.stringify(value) ?? String(value)}`,
    detail: `expected ${expected}`,
    hint,
  })
}

/** The options that were given, as they stand in a plan: absent ones left out. */
export function plainOptions<O extends object>(options: O): { readonly [name: string]: never } {
  return Object.freeze(
    Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  ) as { readonly [name: string]: never }
}
