/**
 * One cell as exact text, for connectors that speak text to their target: no number passes through a double that could
 * lose digits. Interpreted: not for the hot path of a format.
 */
import type { Column } from '../data/column.ts'
import { jsonTextOf, plainTextOf } from './formats/json/json-text.ts'
import type { TimeText } from './formats/json/json-text.ts'

const iso: TimeText = { timestamps: 'iso', epochUnit: 'ms' }

/**
 * The text of a scalar cell that is not null: digits of numbers, ISO 8601 of dates and times, base64 of bytes, the text of
 * json.
 */
export function cellText(column: Column, index: number): string {
  return plainTextOf(column, index, iso)
}

/** A cell of any type as JSON on one line, as the format ndjson writes it; `null` where it has none. */
export function cellJson(column: Column, index: number): string {
  return jsonTextOf(column, index, iso)
}
