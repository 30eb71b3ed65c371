/**
 * Bounds of column chunks as comparable values: reading them for pruning.
 *
 * Only bounds that are certain to order like the values are used: none of INT96, none of old-style statistics where
 * the old order differs, none that are NaN.
 */
import type { LeafNode } from './schema-tree.ts'
import type { Statistics } from './metadata.ts'
import { physicalType } from './vocabulary.ts'

/** A bound: whole numbers (unscaled, in the column's unit) as bigint, floats as number, strings as bytes. */
export type Bound = bigint | number | Uint8Array

/** What statistics say of a column chunk; `low` and `high` need not occur. */
export interface Bounds {
  readonly low: Bound | undefined
  readonly high: Bound | undefined
  readonly nulls: number | undefined
  readonly values: number
}

/** Reads the bounds of a chunk. */
export function boundsOf(node: LeafNode, statistics: Statistics | undefined, values: number): Bounds {
  const usable = statistics !== undefined && !(statistics.signedOrder && !isSigned(node))
  return {
    low: usable ? bound(node, statistics.min) : undefined,
    high: usable ? bound(node, statistics.max) : undefined,
    nulls: statistics?.nullCount,
    values,
  }
}

function isSigned(node: LeafNode): boolean {
  const { kind } = node.type
  return (
    node.leaf.physical !== physicalType.byteArray &&
    !kind.startsWith('uint') &&
    kind !== 'bytes' &&
    kind !== 'uuid'
  )
}

function bound(node: LeafNode, bytes: Uint8Array | undefined): Bound | undefined {
  if (bytes === undefined) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const { kind } = node.type
  switch (node.leaf.physical) {
    case physicalType.boolean:
      return bytes.length === 1 ? BigInt(bytes[0] as number) : undefined
    case physicalType.int32:
      if (bytes.length !== 4) return undefined
      return BigInt(kind.startsWith('uint') ? view.getUint32(0, true) : view.getInt32(0, true))
    case physicalType.int64:
      if (bytes.length !== 8) return undefined
      return kind === 'uint64' ? view.getBigUint64(0, true) : view.getBigInt64(0, true)
    case physicalType.float:
      return bytes.length === 4 ? notNaN(view.getFloat32(0, true)) : undefined
    case physicalType.double:
      return bytes.length === 8 ? notNaN(view.getFloat64(0, true)) : undefined
    case physicalType.byteArray:
    case physicalType.fixedLengthByteArray:
      return bytesBound(kind, bytes)
    default:
      return undefined
  }
}

function notNaN(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value
}

function bytesBound(kind: string, bytes: Uint8Array): Bound | undefined {
  if (kind === 'string' || kind === 'json' || kind === 'bytes') return bytes
  if (kind !== 'decimal' || bytes.length === 0 || bytes.length > 16) return undefined
  let value = BigInt(((bytes[0] as number) << 24) >> 24)
  for (let index = 1; index < bytes.length; index++) value = (value << 8n) | BigInt(bytes[index] as number)
  return value
}

/** Orders two bounds of one column: negative, zero or positive. */
export function compareBounds(a: Bound, b: Bound): number {
  if (a instanceof Uint8Array || b instanceof Uint8Array)
    return a instanceof Uint8Array && b instanceof Uint8Array ? compareBytes(a, b) : NaN
  return a < b ? -1 : a > b ? 1 : 0
}

/** Orders byte strings as unsigned bytes, shorter before longer. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let index = 0; index < shared; index++) {
    const difference = (a[index] as number) - (b[index] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}
