/**
 * How a CSV or TSV file is written: its special characters, its header, what stands for null. RFC 4180 by default.
 */
import type { EpochUnit, RecordLimitOptions, TimeTextOptions } from '../text/text-options.ts'
import { epochUnitOf, invalidOption, recordBytesMaxOf, timestampTextOf } from '../text/text-options.ts'

/** Options of CSV. */
export interface CsvOptions extends TimeTextOptions, RecordLimitOptions {
  /** One ASCII character between fields; default `','` (TSV: a tab). */
  readonly delimiter?: string
  /** One ASCII character around fields that hold special ones; default `'"'`. */
  readonly quote?: string
  /** What makes a quote inside a quoted field plain: the quote itself, doubled (default), or a backslash. */
  readonly escape?: string
  /**
   * `true` (default): the first record names the columns, which may stand in any order. `false`: no header, the columns
   * are those of the schema in order. A list: no header, these are the columns.
   */
  readonly header?: boolean | readonly string[]
  /** Lines that begin with this ASCII character are skipped; default: none. */
  readonly comment?: string
  /**
   * Texts of fields without quotes that mean null in nullable columns; default `['']`. The first one is written for
   * null. A quoted empty field is empty text.
   */
  readonly nulls?: readonly string[]
  /** Whether spaces and tabs around fields without quotes are dropped; default false. Numbers and times never mind them. */
  readonly trim?: boolean
}

/** A dialect, checked and with defaults. Characters are byte values; `comment` is −1 when there is none. */
export interface CsvDialect {
  readonly delimiter: number
  readonly quote: number
  readonly escape: number
  readonly header: boolean | readonly string[]
  readonly comment: number
  readonly nulls: readonly string[]
  readonly trim: boolean
  readonly epochUnit: EpochUnit
  readonly timestamps: 'iso' | 'epoch'
  readonly recordBytesMax: number
}

/** Checks options. Throws MillraceError `plan/invalid-argument`. */
export function csvDialect(options: CsvOptions, delimiter: string): CsvDialect {
  checkValues(options)
  const dialect: CsvDialect = {
    delimiter: character('delimiter', options.delimiter ?? delimiter),
    quote: character('quote', options.quote ?? '"'),
    escape: character('escape', options.escape ?? options.quote ?? '"'),
    header: options.header ?? true,
    comment: options.comment === undefined ? -1 : character('comment', options.comment),
    nulls: options.nulls ?? [''],
    trim: options.trim ?? false,
    epochUnit: epochUnitOf(options),
    timestamps: timestampTextOf(options),
    recordBytesMax: recordBytesMaxOf(options),
  }
  if (dialect.escape !== dialect.quote && dialect.escape !== 92) {
    throw invalidOption('escape', options.escape, 'the quote character or a backslash')
  }
  const special = [dialect.delimiter, dialect.quote, dialect.comment]
  if (new Set(special).size < special.length || special.includes(92)) {
    throw invalidOption(
      'delimiter',
      options.delimiter ?? delimiter,
      'delimiter, quote and comment to differ, and none to be a backslash',
      'choose another character for one of them',
    )
  }
  if (dialect.nulls.length > 100 || !dialect.nulls.every((text) => /^[\x20-\x7e]{0,32}$/.test(text))) {
    throw invalidOption('nulls', dialect.nulls, 'at most 100 texts of at most 32 ASCII characters')
  }
  return Object.freeze(dialect)
}

/** Values of other types than the compiler lets pass. */
function checkValues({ header, nulls, trim }: CsvOptions): void {
  const isTexts = (value: unknown): boolean =>
    Array.isArray(value) && value.every((text) => typeof text === 'string')
  if (header !== undefined && typeof header !== 'boolean' && !isTexts(header))
    throw invalidOption('header', header, 'true, false or a list of names')
  if (nulls !== undefined && !isTexts(nulls))
    throw invalidOption('nulls', nulls, "a list of texts, such as ['NA']")
  if (trim !== undefined && typeof trim !== 'boolean') throw invalidOption('trim', trim, 'true or false')
}

function character(name: string, value: unknown): number {
  const code = typeof value === 'string' && value.length === 1 ? value.charCodeAt(0) : -1
  const allowed = code === 9 || (code >= 32 && code < 127)
  const isText = (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
  if (allowed && !isText && code !== 43 && code !== 45 && code !== 46) return code
  throw invalidOption(
    name,
    value,
    'one ASCII character that is no letter, digit, "+", "-" or "."',
    String.raw`write one character, such as ',', ';', '|' or '\t' for a tab; files with longer ones have to be converted first`,
  )
}
