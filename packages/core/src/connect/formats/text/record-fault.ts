/**
 * What happens to a record that cannot be decoded: an error with its place, or a call of `reject` (format.ts, F4).
 *
 * A `RecordFault` is thrown by the exact readers and caught by the decoder that drives them; it never leaves a decoder.
 */
import type { ErrorCode } from '../../../errors.ts'
import { MillraceError } from '../../../errors.ts'
import type { DecoderOptions } from '../../format.ts'

/** Codes that the fault of one record can carry. */
export type FaultCode = Extract<ErrorCode, 'input/undecodable' | 'input/missing-column'>

/**
 * Why one record cannot be decoded. `position` is an index into the chunk, or −1 for the whole record; what people are
 * told is where the record begins, in errors as in rejected rows.
 */
export class RecordFault extends Error {
  readonly reason: string
  readonly position: number
  readonly column: string | undefined
  readonly code: FaultCode
  readonly hint: string | undefined

  constructor(
    reason: string,
    position: number,
    extra?: { readonly column?: string; readonly code?: FaultCode; readonly hint?: string },
  ) {
    super(reason)
    this.reason = reason
    this.position = position
    this.column = extra?.column
    this.code = extra?.code ?? 'input/undecodable'
    this.hint = extra?.hint
  }
}

/** The record that a fault is about: `bytes[start, end)`, without its line end. */
export interface FaultyRecord {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  /** From 1. */
  readonly line: number
  /** Where `start` stands in the decompressed stream. */
  readonly byte: number
}

/** Characters of a value that a reason shows. */
const SHOWN_MAX = 40

/** Hands a faulty record to `reject`, or throws. Anything but a `RecordFault` is thrown on as it is. */
export function reportFault(fault: unknown, record: FaultyRecord, options: DecoderOptions): void {
  if (!(fault instanceof RecordFault)) throw fault
  if (options.reject !== undefined) {
    options.reject({
      raw: record.bytes.subarray(record.start, record.end),
      reason: fault.column === undefined ? fault.reason : `column "${fault.column}": ${fault.reason}`,
      code: fault.code,
      line: record.line,
      byte: record.byte,
      ...(fault.column === undefined ? {} : { column: fault.column }),
    })
    return
  }
  throw new MillraceError(fault.code, {
    what: `a record of "${options.file}" cannot be decoded`,
    detail: fault.reason,
    hint:
      fault.hint ??
      "correct the record, or go on without such rows: read with { onError: 'reject' } and write .rejected somewhere",
    place: {
      file: options.file,
      line: record.line,
      byte: record.byte,
      ...(fault.column === undefined ? {} : { column: fault.column }),
    },
  })
}

/** A piece of input as a reason shows it: quoted, shortened, with bytes that are not UTF-8 replaced. */
export function quoteInput(bytes: Uint8Array, start: number, end: number): string {
  const stop = Math.min(end, start + SHOWN_MAX)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.max(0, stop - start)).toString('utf8')
  return `${JSON.stringify(text)}${stop < end ? '…' : ''}`
}
