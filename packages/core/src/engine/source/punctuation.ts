/**
 * Reads punctuated watermarks: rows for which an expression is not null carry the watermark, in milliseconds.
 */
import { evaluate } from '../../expr/index.ts'
import type { EventTime } from '../../plan/logical.ts'
import type { PunctuationReader } from './split-watermark.ts'

/** The reader of a source's punctuation; undefined for other strategies. */
export function punctuationReader(eventTime: EventTime | undefined): PunctuationReader | undefined {
  if (eventTime?.watermark.kind !== 'punctuated') return undefined
  const { expression } = eventTime.watermark
  return (batch, physicalRow) => {
    const value = evaluate(expression, batch, physicalRow)
    return typeof value === 'bigint' || typeof value === 'number' ? Number(value) : Number.NaN
  }
}
