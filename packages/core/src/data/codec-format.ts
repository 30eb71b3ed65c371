/**
 * The constants of the column codec (codec.ts). FROZEN for version 1: lists grow at their end only.
 */
import type { Batch } from './batch.ts'
import type { Column } from './column.ts'
import type { TypeKind } from './type.ts'

/** "MRCB" in little-endian. */
export const MAGIC = 0x4243524d

/** The version that is written. */
export const CODEC_VERSION = 1

/** Layouts by their number. */
export const LAYOUTS: readonly Column['layout'][] = ['fixed', 'wide', 'utf8', 'dictionary', 'list', 'struct']

/** Kinds of types by their number. */
export const KINDS: readonly TypeKind[] = [
  'boolean',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'float32',
  'float64',
  'decimal',
  'string',
  'bytes',
  'date',
  'time',
  'timestamp',
  'interval',
  'uuid',
  'json',
  'list',
  'map',
  'struct',
]

/** Which further columns a batch has. */
export function columnFlags(batch: Batch): number {
  const { eventTime, weights, order } = batch
  return (eventTime === undefined ? 0 : 1) | (weights === undefined ? 0 : 2) | (order === undefined ? 0 : 4)
}
