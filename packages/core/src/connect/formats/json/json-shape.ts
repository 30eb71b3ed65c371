/**
 * The shape of a JSON record: the bytes between its values, learned from one record, and where its columns stand.
 *
 * White space is part of the shape, so pretty-printed and compact files run equally fast. A record with another shape
 * is not wrong: it takes the exact path (json-record.ts), or another shape.
 */
import type { Schema } from '../../../data/type.ts'
import { hasEscape, keyEnd, skipColon, skipSpace, skipValue } from './json-scanner.ts'
import { textOf } from './json-value.ts'

/** A member of the record: the bytes from the end of the value before to its own value, and the column it fills. */
export interface ShapeMember {
  readonly literal: Uint8Array
  /** Position in the schema, or −1: the value is skipped. */
  readonly column: number
  /** Whether the value seen was a list or an object. */
  readonly nested: boolean
  /** Bytes of the value seen: how to look for its end. */
  readonly length: number
}

/** What a record looks like. */
export interface JsonShape {
  readonly members: readonly ShapeMember[]
  /** From the end of the last value through `}`. */
  readonly tail: Uint8Array
  /** Columns of the schema that have no member. */
  readonly missing: readonly number[]
  /** Longest literal, to know how far the extractor may look. */
  readonly literalBytesMax: number
}

/** Members, and bytes between two values, beyond which no shape is learned: the exact path serves such records. */
const MEMBERS_MAX = 1000
const LITERAL_BYTES_MAX = 512

/** The shape of the record `bytes[at, end)`, white space before it included, which was read without a fault; undefined when it suits no extractor. */
export function learnShape(
  schema: Schema,
  bytes: Uint8Array,
  at: number,
  end: number,
): JsonShape | undefined {
  const byName = new Map(schema.fields.map((field, index) => [field.name, index]))
  const names = new Set<string>()
  const members: ShapeMember[] = []
  let from = at
  let p = skipSpace(bytes, skipSpace(bytes, at, end) + 1, end)
  while (bytes[p] !== 125) {
    if (bytes[p] === 44) p = skipSpace(bytes, p + 1, end)
    const behindKey = keyEnd(bytes, p, end)
    if (hasEscape(bytes, p, behindKey)) return undefined
    const name = textOf(bytes, p + 1, behindKey - 1)
    if (names.has(name) || names.size >= MEMBERS_MAX) return undefined
    names.add(name)
    const value = skipSpace(bytes, skipColon(bytes, behindKey, end), end)
    const first = bytes[value]
    const stop = skipValue(bytes, value, end)
    members.push({
      literal: bytes.slice(from, value),
      column: byName.get(name) ?? -1,
      nested: first === 123 || first === 91,
      length: stop - value,
    })
    from = stop
    p = skipSpace(bytes, stop, end)
  }
  const tail = bytes.slice(from, p + 1)
  const literalBytesMax = members.reduce((most, member) => Math.max(most, member.literal.length), tail.length)
  if (literalBytesMax > LITERAL_BYTES_MAX) return undefined
  const present = new Set(members.map((member) => member.column))
  const missing = schema.fields.flatMap((_, index) => (present.has(index) ? [] : [index]))
  return { members, tail, missing, literalBytesMax }
}

/** Tells whether two shapes are the same. */
export function sameShape(a: JsonShape, b: JsonShape): boolean {
  return (
    a.members.length === b.members.length &&
    Buffer.compare(a.tail, b.tail) === 0 &&
    a.members.every(
      (member, index) => Buffer.compare(member.literal, b.members[index]?.literal ?? a.tail) === 0,
    )
  )
}
