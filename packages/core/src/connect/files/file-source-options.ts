/**
 * What a file source is made with, after its options were checked and defaults filled in.
 */
import type { Schema } from '../../data/type.ts'
import type { Pushdown } from '../source.ts'
import type { CompressionOption } from './file-split.ts'
import type { FormatChoice } from './format-choice.ts'

/** Checked options of a file source. */
export interface FileSourceOptions {
  readonly path: string
  readonly formats: FormatChoice
  /** As declared; undefined: to be found in the files. */
  readonly schema: Schema | undefined
  readonly compression: CompressionOption
  readonly follow: 'files' | 'lines'
  readonly lostRows: 'fail' | 'skip'
  readonly pollMs: number
  readonly splitBytes: number | undefined
  /** Bytes read at a time. */
  readonly chunkBytes: number
  readonly pushdown: Pushdown
}
