/**
 * One schema with a column of every type, and batches of generated values over it in all layouts: what the tests of
 * functions run on. Values are small and repeat, so that comparisons meet; with `wide` some leave ±2^53.
 */
import fc from 'fast-check'
import { makeBatch } from '../../src/data/batch.ts'
import type { Batch } from '../../src/data/batch.ts'
import type { Column, DictionaryColumn, Utf8Column } from '../../src/data/column.ts'
import { schema, t } from '../../src/data/builder.ts'
import type { DataType, Schema } from '../../src/data/type.ts'
import { columnOf } from '../../src/expr/value.ts'
import type { Value } from '../../src/expr/value.ts'

const types = {
  b: t.boolean(),
  i8: t.int8(),
  i16: t.int16(),
  i32: t.int32(),
  k32: t.int32(),
  u8: t.uint8(),
  u32: t.uint32(),
  i64: t.int64(),
  k64: t.int64(),
  u64: t.uint64(),
  f32: t.float32(),
  f64: t.float64(),
  g64: t.float64(),
  d: t.decimal(12, 2),
  e: t.decimal(9, 3),
  w: t.decimal(18, 2),
  x: t.decimal(30, 1),
  s: t.string(),
  r: t.string(),
  bin: t.bytes(),
  dt: t.date(),
  dt2: t.date(),
  tm: t.time(),
  ts: t.timestamp(),
  tu: t.timestamp('us'),
  tz: t.timestamp('us', { zoned: true }),
  tn: t.timestamp('ns'),
  hn: t.timestamp('ns'),
  zn: t.timestamp('ns', { zoned: true }),
  iv: t.interval(),
  u: t.uuid(),
  j: t.json(),
  l: t.list(t.int32().nullable()),
  ls: t.list(t.string()),
  m: t.map(t.string(), t.int32()),
  st: t.struct({ a: t.int32(), b: t.string().nullable() }),
}

/** Every type twice: `i32` is never null, `i32n` may be. */
export const everything: Schema = schema(
  Object.fromEntries(Object.entries(types).flatMap(([name, type]) => [[name, type], [`${name}n`, type.nullable()]])), // prettier-ignore
)

const texts = fc.constantFrom(
  '', 'a', 'abc', 'ABC', 'abcabc', ' padded ', 'a,b,c', 'ünïcödé', '日本語', '😀 grin', 'x%y_z', '2001-02-03', '12', '-7.5',
  'true', '{"a": {"b": [1, 2.50, "x"]}, "c": null}', '[1, [2], {"k": "v"}]', '2001-02-03 04:05:06.789', 'line\nbreak',
) // prettier-ignore
const jsons = fc.constantFrom(
  'null', 'true', '12.50', '"text"', '[]', '[1, 2, [3]]', '{"a": {"b": [1, 2.50, "x\\u00e9"]}, "c": null}', '{"a":1,"a":2}',
) // prettier-ignore
const uuids = fc.constantFrom(
  '00000000-0000-0000-0000-000000000000',
  '123e4567-e89b-12d3-a456-426614174000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
)

function whole(low: number, high: number): fc.Arbitrary<number> {
  return fc.oneof({ weight: 4, arbitrary: fc.integer({ min: Math.max(low, -9), max: Math.min(high, 9) }) }, { weight: 2, arbitrary: fc.integer({ min: Math.max(low, -1000), max: Math.min(high, 1000) }) }, fc.constantFrom(low, high)) // prettier-ignore
}

function big(low: bigint, high: bigint, wide: boolean): fc.Arbitrary<bigint> {
  const small = whole(low < 0n ? -1000 : 0, 1000).map(BigInt)
  const safe = 9007199254740991n
  const middle = fc.bigInt({ min: low < -safe ? -safe : low, max: high > safe ? safe : high })
  const edges = fc.constantFrom(low, high, (high / 2n) * 3n > high ? high - 1n : high)
  // Where the two halves of a word meet, and where float64 ends.
  const seams = fc
    .tuple(
      fc.constantFrom(1n, -1n, 2n ** 20n, 2n ** 21n, -(2n ** 21n), 2n ** 31n - 1n, -(2n ** 31n) + 1n),
      fc.bigInt({ min: -2n, max: 2n }),
    )
    .map(([high_, low_]) => (high_ << 32n) + low_)
    .filter((value) => value >= low && value <= high)
  const any = fc.bigInt({ min: low, max: high })
  return wide
    ? fc.oneof(small, middle, edges, any, ...(high > 2n ** 34n ? [seams] : []))
    : fc.oneof({ weight: 6, arbitrary: small }, { weight: 1, arbitrary: middle })
}

const day = 86_400_000n

function moments(unit: bigint): fc.Arbitrary<bigint> {
  const days = fc.constantFrom(-25_567n, -1n, 0n, 1n, 11_016n, 11_017n, 11_747n, 19_723n, 19_782n)
  const ofDay = fc.oneof(fc.constantFrom(0n, 1n, day - 1n, 3_599_999n), fc.bigInt({ min: 0n, max: day - 1n }))
  return fc.tuple(days, ofDay, fc.bigInt({ min: 0n, max: unit - 1n })).map(([d, ms, rest]) => (d * day + ms) * unit + rest) // prettier-ignore
}

function values(type: DataType, wide: boolean): fc.Arbitrary<Value> {
  const ranges: { readonly [kind: string]: readonly [number, number] } = {
    int8: [-128, 127], int16: [-32768, 32767], int32: [-2147483648, 2147483647], uint8: [0, 255],
    uint16: [0, 65535], uint32: [0, 4294967295], date: [-30000, 30000],
  } // prettier-ignore
  const range = ranges[type.kind]
  if (range !== undefined) return whole(range[0], range[1])
  switch (type.kind) {
    case 'boolean':
      return fc.boolean()
    case 'int64':
      return big(-(2n ** 63n), 2n ** 63n - 1n, wide)
    case 'uint64':
      return big(0n, 2n ** 64n - 1n, wide)
    case 'decimal':
      return big(-(10n ** BigInt(type.precision)) + 1n, 10n ** BigInt(type.precision) - 1n, wide)
    case 'float32':
      return fc.constantFrom(0, -0, 1.5, -2.25, 100, 3.4e38, NaN, Infinity).map(Math.fround)
    case 'float64':
      return fc.oneof(
        fc.constantFrom(
          0,
          -0,
          0.5,
          1.5,
          2.5,
          -2.5,
          1e308,
          -1e308,
          1e15,
          5e-324,
          NaN,
          Infinity,
          -Infinity,
          2.675,
        ),
        fc.integer({ min: -1000, max: 1000 }).map((n) => n / 8),
      )
    case 'bytes':
      return fc.uint8Array({ maxLength: 4 })
    case 'time':
      return fc.bigInt({ min: 0n, max: day - 1n })
    case 'timestamp':
      if (type.unit === 'ns') {
        const edges = fc.constantFrom(2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, -(2n ** 53n), 2n ** 53n - 1n, 1n, -1n, 0n)
        const near = fc.bigInt({ min: -(2n ** 52n), max: 2n ** 52n })
        return wide ? fc.oneof({ weight: 6, arbitrary: moments(1_000_000n) }, { weight: 1, arbitrary: edges }, near) : near
      }
      return wide && type.unit === 'us' ? fc.oneof(moments(1000n), fc.constant(2n ** 60n)) : moments(type.unit === 'us' ? 1000n : 1n) // prettier-ignore
    case 'interval':
      return fc.record({
        months: fc.integer({ min: -30, max: 30 }),
        days: fc.integer({ min: -40, max: 40 }),
        micros: fc.integer({ min: -100_000_000_000, max: 100_000_000_000 }),
      })
    case 'uuid':
      return uuids
    case 'json':
      return jsons
    case 'list':
      return fc.array(nullable(values(type.element.type, wide), type.element.nullable), { maxLength: 4 })
    case 'map':
      return fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), values(type.value.type, wide)), { maxLength: 3 }) // prettier-ignore
    case 'struct':
      return fc.tuple(...type.fields.map((field) => nullable(values(field.type, wide), field.nullable)))
    default:
      return texts
  }
}

function nullable(value: fc.Arbitrary<Value>, isNullable: boolean): fc.Arbitrary<Value> {
  return isNullable
    ? fc.oneof({ weight: 3, arbitrary: value }, { weight: 1, arbitrary: fc.constant(null) })
    : value
}

/** The same text column with codes into a dictionary that has unused entries. */
export function asDictionary(column: Utf8Column, length: number): DictionaryColumn {
  const order = Array.from({ length }, (_, n) => (n * 7 + 3) % length)
  const reached = new Set(order).size === length
  const codes = Int32Array.from({ length }, (_, n) => (reached ? order.indexOf(n) : n))
  const pick = (array: Int32Array): Int32Array =>
    Int32Array.from({ length: length + 1 }, (_, n) => array[(reached ? order[n] : n) ?? 0] as number)
  const dictionary: Utf8Column = {
    layout: 'utf8',
    type: column.type,
    bytes: column.bytes,
    starts: pick(column.starts),
    lengths: pick(column.lengths),
    validity: undefined,
  }
  return { layout: 'dictionary', type: column.type, codes, dictionary, dictionaryLength: length + 1, validity: column.validity } // prettier-ignore
}

/** How a batch is laid out. */
export interface Layout {
  readonly dictionary: boolean
  readonly wide: boolean
  readonly selection: boolean
  /** Nullable columns without a null in them. */
  readonly dense: boolean
}

/** Batches over some columns of `everything` (all when none are named). */
export function arbitraryEverything(layout: Layout, names: readonly string[]): fc.Arbitrary<Batch> {
  const fields = everything.fields
  const row = fc.tuple(
    ...fields.map((field) =>
      names.includes(field.name)
        ? nullable(values(field.type, layout.wide), field.nullable && !layout.dense)
        : fc.constant(null),
    ),
  )
  return fc
    .tuple(fc.array(row, { minLength: 1, maxLength: 24 }), fc.integer({ min: 0 }))
    .map(([rows, seed]) => {
      const columns = fields.map((field, n): Column => {
        const column = columnOf(field.type, rows.map((cells) => cells[n] as Value)) // prettier-ignore
        return layout.dictionary && column.layout === 'utf8' ? asDictionary(column, rows.length) : column
      })
      const batch = makeBatch(everything, columns, rows.length)
      if (!layout.selection) return batch
      const selection = Int32Array.from(rows.keys()).filter((n) => ((seed >> (n % 31)) & 1) === 0)
      return { ...batch, selection, selectedCount: selection.length }
    })
}

/** Every combination of layouts. */
export const layouts: readonly Layout[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].map(
  (bits) => ({
    dictionary: (bits & 1) !== 0,
    wide: (bits & 2) !== 0,
    selection: (bits & 4) !== 0,
    dense: (bits & 8) !== 0,
  }),
)
