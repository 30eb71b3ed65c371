/**
 * A second reader of what checkpoints are made of, written from docs/internals/encodings.md and checkpoints.md alone.
 *
 * It uses nothing of the product: what it can read, a reader in another language can. Values are given as they lie in the
 * files: numbers and bigints (dates in days, decimals unscaled), bytes for texts, arrays for lists and structs.
 */
import { createHash } from 'node:crypto'

/** A value as it lies in a file. */
export type RawValue = null | number | bigint | Buffer | readonly RawValue[]

/** A type as the JSON form of a schema has it. */
export interface RawType {
  readonly kind: string
  readonly element?: { readonly type: RawType }
  readonly key?: RawType
  readonly value?: { readonly type: RawType }
  readonly fields?: readonly RawField[]
}

/** A field of the same. */
export interface RawField {
  readonly name: string
  readonly type: RawType
}

/** The JSON form of a schema. */
export interface RawSchema {
  readonly version: number
  readonly fields: readonly RawField[]
}

// Numbers of kinds, as listed in encodings.md.
const KINDS =
  'boolean int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 decimal string bytes date time timestamp interval uuid json list map struct'.split(
    ' ',
  )

function check(holds: boolean, reason: string): void {
  if (!holds) throw new Error(reason)
}

/** Sections one after the other, each from a multiple of 8. */
class Sections {
  at = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  next(length: number): Buffer {
    const start = this.at
    check(start + length <= this.#bytes.length, 'a section is longer than the batch')
    this.at = Math.ceil((start + length) / 8) * 8
    return this.#bytes.subarray(start, start + length)
  }

  words(count: number): number[] {
    const section = this.next(count * 4)
    return Array.from({ length: count }, (_, n) => section.readUInt32LE(n * 4))
  }
}

/** The rows of a batch, each an array of its columns. */
export function readBatch(bytes: Uint8Array, { fields }: RawSchema): readonly (readonly RawValue[])[] {
  const sections = new Sections(Buffer.from(bytes))
  const [magic, version, length, rows = 0, columns, flags = 0] = sections.words(8)
  check(magic === Buffer.from('MRCB').readUInt32LE(0) && version === 1, 'it is no batch of version 1')
  check(length === bytes.length && columns === fields.length, 'the header does not fit')
  if ((flags & 1) !== 0) sections.next(rows * 8)
  if ((flags & 2) !== 0) sections.next(rows * 4)
  if ((flags & 4) !== 0) sections.next(rows * 8)
  const values = fields.map(({ type }) => readColumn(sections, type, rows))
  check(sections.at === bytes.length, 'something is left over')
  return Array.from({ length: rows }, (_, row) => values.map((column) => column[row] as RawValue))
}

function readColumn(sections: Sections, type: RawType, rows: number): readonly RawValue[] {
  const [layout, kind, ownRows, hasBitmap] = sections.words(4)
  check(kind === KINDS.indexOf(type.kind) && ownRows === rows, 'the head of a column does not fit')
  const bitmap = hasBitmap === 0 ? undefined : sections.next(Math.ceil(rows / 8))
  const values = readValues(sections, { layout, type, rows })
  return values.map((value, row) =>
    bitmap === undefined || ((bitmap[row >> 3] as number) >> (row & 7)) % 2 === 1 ? value : null,
  )
}

interface ColumnHead {
  readonly layout: number | undefined
  readonly type: RawType
  readonly rows: number
}

function readValues(sections: Sections, { layout, type, rows }: ColumnHead): readonly RawValue[] {
  switch (layout) {
    case 0:
      return readFixed(sections, type.kind, rows)
    case 1:
      return readWide(sections, type.kind, rows)
    case 2:
      return readTexts(sections, rows, sections.words(2)[0] as number)
    case 3: {
      const [entries = 0, bytes = 0] = sections.words(2)
      const codes = sections.words(rows)
      const texts = readTexts(sections, entries, bytes)
      return codes.map((code) => texts[code] ?? null)
    }
    case 4: {
      const [childRows = 0] = sections.words(2)
      const lengths = sections.words(rows)
      const child = readColumn(sections, elementOf(type), childRows)
      let end = 0
      return lengths.map((length) => child.slice(end, (end += length)))
    }
    case 5: {
      const columns = fieldsOf(type).map((field) => readColumn(sections, field.type, rows))
      return Array.from({ length: rows }, (_, row) => columns.map((column) => column[row] as RawValue))
    }
    default:
      throw new Error(`there is no layout ${layout}`)
  }
}

function elementOf(type: RawType): RawType {
  if (type.kind === 'list') return type.element?.type as RawType
  const value = type.value?.type as RawType
  return { kind: 'struct', fields: [{ name: 'key', type: type.key as RawType }, { name: 'value', type: value }] } // prettier-ignore
}

function fieldsOf(type: RawType): readonly RawField[] {
  if (type.kind !== 'interval') return type.fields ?? []
  return ['int32', 'int32', 'float64'].map((kind, n) => ({ name: String(n), type: { kind } }))
}

function readFixed(sections: Sections, kind: string, rows: number): readonly number[] {
  const read = ((): readonly [number, (of: Buffer, at: number) => number] => {
    switch (kind) {
      case 'boolean':
      case 'uint8':
        return [1, (of, at) => of.readUInt8(at)]
      case 'int8':
        return [1, (of, at) => of.readInt8(at)]
      case 'int16':
        return [2, (of, at) => of.readInt16LE(at)]
      case 'uint16':
        return [2, (of, at) => of.readUInt16LE(at)]
      case 'int32':
      case 'date':
        return [4, (of, at) => of.readInt32LE(at)]
      case 'uint32':
        return [4, (of, at) => of.readUInt32LE(at)]
      case 'float32':
        return [4, (of, at) => of.readFloatLE(at)]
      default:
        return [8, (of, at) => of.readDoubleLE(at)]
    }
  })()
  const section = sections.next(rows * read[0])
  return Array.from({ length: rows }, (_, row) => read[1](section, row * read[0]))
}

function readWide(sections: Sections, kind: string, rows: number): readonly bigint[] {
  if (kind === 'decimal') {
    const section = sections.next(rows * 16)
    return Array.from({ length: rows }, (_, row) =>
      BigInt.asIntN(128, section.readBigUInt64LE(row * 16) | (section.readBigUInt64LE(row * 16 + 8) << 64n)),
    )
  }
  const section = sections.next(rows * 8)
  return Array.from({ length: rows }, (_, row) =>
    kind === 'uint64' ? section.readBigUInt64LE(row * 8) : section.readBigInt64LE(row * 8),
  )
}

function readTexts(sections: Sections, count: number, bytes: number): readonly Buffer[] {
  const starts = sections.words(count)
  const lengths = sections.words(count)
  const text = sections.next(bytes)
  return starts.map((start, n) => text.subarray(start, start + (lengths[n] as number)))
}

/** An encoded value: what checkpoints.md has in its table of tags. */
export function readEncoded(bytes: Uint8Array): unknown {
  const all = Buffer.from(bytes)
  let at = 0
  const count = (): number => all.readUInt32LE((at += 4) - 4)
  const take = (length: number): Buffer => all.subarray(at, (at += length))
  const many = (): readonly unknown[] => Array.from({ length: count() }, next)
  const text = (): string => take(count()).toString('utf8')
  const readers: readonly (() => unknown)[] = [
    () => null,
    () => false,
    () => true,
    () => take(4).readInt32LE(),
    () => take(8).readDoubleLE(),
    text,
    () => take(count()),
    () => BigInt(text()),
    many,
    () => Object.fromEntries(Array.from({ length: count() }, () => [text(), next()])),
    () => new Map(Array.from({ length: count() }, () => [next(), next()])),
    () => undefined,
    () => new Set(many()),
    () => ({ kind: take(1)[0], values: many() }),
  ]
  function next(): unknown {
    const reader = readers[take(1)[0] as number]
    check(reader !== undefined, 'there is no such tag')
    return reader?.()
  }
  const value = next()
  check(at === all.length, 'something is left over')
  return value
}

// ---- keys

function mix(h: number, word: number): number {
  let w = Math.imul(word, 0xcc9e2d51)
  w = Math.imul((w << 15) | (w >>> 17), 0x1b873593)
  const x = h ^ w
  return (Math.imul((x << 13) | (x >>> 19), 5) + 0xe6546b64) | 0
}

function finish(h: number): number {
  let x = h ^ (h >>> 16)
  x = Math.imul(x, 0x85ebca6b)
  x ^= x >>> 13
  x = Math.imul(x, 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}

/** MurmurHash3_x86_32 with the seed 0, from its published description. */
function murmur3(bytes: Buffer): number {
  const whole = bytes.length - (bytes.length % 4)
  let h = 0
  for (let at = 0; at < whole; at += 4) h = mix(h, bytes.readUInt32LE(at))
  if (whole < bytes.length) {
    const w = Math.imul(bytes.readUIntLE(whole, bytes.length - whole), 0xcc9e2d51)
    h ^= Math.imul((w << 15) | (w >>> 17), 0x1b873593)
  }
  return finish(h ^ bytes.length)
}

/** The hash of a key: one value for each of its columns. */
export function hashOfKey(fields: readonly RawField[], key: readonly RawValue[]): number {
  return finish(fields.reduce((h, { type }, n) => mixValue(h, type, key[n] as RawValue), 0x4d696c6c))
}

function mixValue(h: number, type: RawType, value: RawValue): number {
  if (value === null) return mix(h, 0x9e3779b9)
  if (Buffer.isBuffer(value)) return mix(h, murmur3(value))
  if (typeof value === 'object') {
    if (type.kind === 'struct' || type.kind === 'interval')
      return fieldsOf(type).reduce((mixed, field, n) => mixValue(mixed, field.type, value[n] as RawValue), h)
    const element = elementOf(type)
    return value.reduce<number>((mixed, one) => mixValue(mixed, element, one), mix(h, value.length))
  }
  if (typeof value === 'bigint' && (value > 2n ** 53n - 1n || value < 1n - 2n ** 53n)) {
    const words = type.kind === 'decimal' ? 4n : 2n
    let mixed = h
    for (let n = 0n; n < words; n++) mixed = mix(mixed, Number(BigInt.asIntN(32, value >> (32n * n))))
    return mixed
  }
  const number = Number(value)
  if (number === Math.trunc(number) && number >= -(2 ** 31) && number < 2 ** 31) return mix(h, number)
  if (Number.isNaN(number)) return mix(mix(h, 0), 0x7ff80000)
  const bits = Buffer.alloc(8)
  bits.writeDoubleLE(number)
  return mix(mix(h, bits.readInt32LE(0)), bits.readInt32LE(4))
}

/** The bytes of a key. */
export function bytesOfKey(fields: readonly RawField[], key: readonly RawValue[]): Buffer {
  return Buffer.concat(fields.map(({ type }, n) => valueBytes(type, key[n] as RawValue)))
}

const SIGNED_BITS: Readonly<Record<string, number>> = { int8: 8, int16: 16, int32: 32, date: 32, int64: 64, time: 64, timestamp: 64, decimal: 128 } // prettier-ignore
const UNSIGNED_BITS: Readonly<Record<string, number>> = { boolean: 8, uint8: 8, uint16: 16, uint32: 32, uint64: 64 } // prettier-ignore

function valueBytes(type: RawType, value: RawValue): Buffer {
  if (value === null) return Buffer.of(0)
  return Buffer.concat([Buffer.of(1), setBytes(type, value)])
}

function setBytes(type: RawType, value: number | bigint | Buffer | readonly RawValue[]): Buffer {
  if (Buffer.isBuffer(value))
    return Buffer.from(`${value.toString('hex').replace(/../g, (byte) => (byte === '00' ? '00ff' : byte))}0000`, 'hex') // prettier-ignore
  if (typeof value === 'object') {
    if (type.kind === 'interval')
      return Buffer.concat(
        ['int32', 'int32', 'int64'].map((kind, n) => setBytes({ kind }, value[n] as number)),
      )
    if (type.kind === 'struct')
      return Buffer.concat(fieldsOf(type).map((field, n) => valueBytes(field.type, value[n] as RawValue)))
    const element = elementOf(type)
    return Buffer.concat([...value.flatMap((one) => [Buffer.of(1), valueBytes(element, one)]), Buffer.of(0)])
  }
  const signed = SIGNED_BITS[type.kind]
  if (signed !== undefined) return bigEndian(BigInt(value) + (1n << BigInt(signed - 1)), signed)
  const unsigned = UNSIGNED_BITS[type.kind]
  if (unsigned !== undefined) return bigEndian(BigInt(value), unsigned)
  return floatBytes(type.kind === 'float32' ? 4 : 8, Number(value))
}

function bigEndian(value: bigint, bits: number): Buffer {
  return Buffer.from(value.toString(16).padStart(bits / 4, '0'), 'hex')
}

function floatBytes(size: 4 | 8, value: number): Buffer {
  const bytes = Buffer.alloc(size)
  if (Number.isNaN(value)) bytes.write(size === 4 ? '7fc00000' : '7ff8000000000000', 'hex')
  else if (size === 4) bytes.writeFloatBE(value === 0 ? 0 : value)
  else bytes.writeDoubleBE(value === 0 ? 0 : value)
  const isNegative = (bytes[0] as number) >= 0x80
  if (isNegative) return Buffer.from(bytes.map((byte) => byte ^ 0xff))
  bytes[0] = (bytes[0] as number) ^ 0x80
  return bytes
}

// ---- files

/** CRC-32 (IEEE 802.3), bit by bit; `before` is that of the bytes in front. */
function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return ~crc >>> 0
}

/** The JSON of an entry of the log that was found under a number. */
export function readEntry(bytes: Uint8Array, number: number): unknown {
  const text = Buffer.from(bytes)
  const feed = text.indexOf('\n')
  const [magic, version, kind, length, checksum] = text.toString('latin1', 0, feed).split(' ')
  const body = text.subarray(feed + 1)
  check(magic === 'millrace-log' && version === '1' && Number(length) === body.length, 'the header does not fit') // prettier-ignore
  const hash = createHash('sha256').update(`millrace-log ${number} ${kind}\n`).update(body).digest('hex')
  check(hash === checksum, 'the checksum of an entry does not fit')
  return JSON.parse(body.toString('utf8'))
}

/** What a manifest says of a file. */
export interface RawReference {
  readonly name: string
  readonly bytes: number
  readonly checksum: string
}

/** The rows of a file of state, block by block. */
export interface RawBlock {
  readonly part: string
  readonly fields: readonly RawField[]
  readonly groups: readonly [number, number]
  readonly rows: readonly (readonly RawValue[])[]
}

/** All blocks of a file of state. */
export function readStateFile(bytes: Uint8Array, { name, bytes: length, checksum }: RawReference): readonly RawBlock[] {
  const file = Buffer.from(bytes)
  check(file.length === length, 'the length of the file does not fit')
  const trailer = file.subarray(-12)
  check(trailer.toString('latin1', 0, 4) === 'MRST' && trailer.readUInt32LE(4) === 1, 'it is no file of state')
  const footer = file.subarray(-12 - trailer.readUInt32LE(8), -12)
  const hash = createHash('sha256').update(`${name}\n`).update(footer).digest('hex')
  check(hash === checksum, 'the checksum of the footer does not fit')
  const { parts, blocks } = JSON.parse(footer.toString('utf8')) as {
    readonly parts: readonly { readonly name: string; readonly schema: RawSchema }[]
    readonly blocks: readonly (readonly number[])[]
  }
  return blocks.map(([part = 0, offset = 0, size = 0, sum, first = 0, end = 0, rows], n) => {
    const block = file.subarray(offset, offset + size)
    check(crc32(block, crc32(Buffer.from(`${name} ${n}`))) === sum, `the checksum of block ${n} does not fit`)
    const { name: table, schema } = parts[part] as (typeof parts)[number]
    const found = readBatch(block, schema)
    check(found.length === rows, `block ${n} has other rows than its footer says`)
    return { part: table, fields: schema.fields, groups: [first, end], rows: found }
  })
} // prettier-ignore

/** The rows of a prefix of a journal, each behind the number of its file. */
export function readJournalBytes(
  bytes: Uint8Array,
  { name, bytes: length, checksum }: { readonly name: string; readonly bytes: number; readonly checksum: number },
): readonly (readonly [number, readonly RawValue[]])[] {
  const file = Buffer.from(bytes).subarray(0, length)
  check(file.toString('latin1', 0, 4) === 'MRJL' && file.readUInt32LE(4) === 1, 'it is no journal of version 1')
  let at = 16 + file.readUInt32LE(8)
  const schema = JSON.parse(file.toString('utf8', 16, at)) as RawSchema
  let sum = crc32(file.subarray(0, at), crc32(Buffer.from(`${name}\n`)))
  const found: (readonly [number, readonly RawValue[]])[] = []
  while (at < length) {
    const body = file.subarray(at + 16, at + 16 + file.readUInt32LE(at))
    const count = file.readUInt32LE(at + 4)
    sum = crc32(body, crc32(file.subarray(at, at + 8), sum))
    check(sum === file.readUInt32LE(at + 8), `the checksum of the block at ${at} does not fit`)
    const rows = readBatch(body.subarray(Math.ceil((count * 4) / 8) * 8), schema)
    for (const [n, row] of rows.entries()) found.push([body.readInt32LE(count === 1 ? 0 : n * 4), row])
    at += 16 + body.length
  }
  check(sum === checksum, 'the checksum of the journal does not fit')
  return found
} // prettier-ignore
