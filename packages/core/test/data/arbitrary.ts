/**
 * Generated types, schemas, values and batches for property tests of every room.
 *
 * `arbitraryBatch` gives a batch together with the rows it must read as. Its columns come in every layout that
 * column.ts allows: narrow and wide, arena, foreign chunk with gaps, dictionary with unused and repeated entries,
 * garbage under nulls (C2), bitmaps without nulls, and with a selection over rows that must not be seen (B2).
 */
import fc from 'fast-check'
import type { Batch } from '../../src/data/batch.ts'
import { BatchBuilder } from '../../src/data/batch-builder.ts'
import type { Column, DictionaryColumn, Utf8Column } from '../../src/data/column.ts'
import { isValid } from '../../src/data/column.ts'
import { formatDecimal } from '../../src/data/decimal.ts'
import { canBeWide } from '../../src/data/layout.ts'
import { makeSchema } from '../../src/data/schema.ts'
import type { DataType, ElementType, Field, Schema, TimeUnit } from '../../src/data/type.ts'
import { formatDate } from '../../src/time/instant.ts'

/** What kinds of types are made. */
export interface TypeOptions {
  /** Levels of lists, maps and structs. Default 2. */
  readonly depth?: number
  /** Kinds that are left out. */
  readonly without?: readonly DataType['kind'][]
}

/** A value as `appendRow` takes it, and as it reads back. */
export interface Cell {
  readonly input: unknown
  readonly expected: unknown
}

/** A batch, and the live rows that it must read as. */
export interface GeneratedBatch {
  readonly schema: Schema
  readonly batch: Batch
  readonly rows: readonly Record<string, unknown>[]
}

const units: readonly TimeUnit[] = ['ms', 'us', 'ns']
const perMs = { ms: 1n, us: 1000n, ns: 1_000_000n } as const

/** Any type without parts. */
function arbitraryFlatType(): fc.Arbitrary<DataType> {
  const plain = (
    ['boolean', 'int8', 'int16', 'int32', 'uint8', 'uint16', 'uint32', 'float32', 'float64'] as const
  ).map((kind): DataType => ({ kind }))
  const texts = (['string', 'bytes', 'date', 'interval', 'uuid', 'json'] as const).map((kind): DataType => ({
    kind,
  }))
  const rows = fc.constantFrom('number' as const, 'bigint' as const)
  return fc.oneof(
    fc.constantFrom(...plain),
    fc.constantFrom(...texts),
    fc.record({ kind: fc.constantFrom('int64' as const, 'uint64' as const), rows }),
    fc.tuple(fc.integer({ min: 1, max: 38 }), fc.nat(38)).map(([precision, scale]): DataType => ({
      kind: 'decimal',
      precision,
      scale: Math.min(scale, precision),
    })),
    fc.constantFrom(...units).map((unit): DataType => ({ kind: 'time', unit })),
    fc.record({
      kind: fc.constant('timestamp' as const),
      unit: fc.constantFrom(...units),
      zoned: fc.boolean(),
    }),
  )
}

/** Any type. */
export function arbitraryType(options: TypeOptions = {}): fc.Arbitrary<DataType> {
  const depth = options.depth ?? 2
  const without = new Set(options.without)
  const allowed = (type: DataType): boolean => !without.has(type.kind)
  const flat = arbitraryFlatType().filter(allowed)
  if (depth === 0) return flat
  const inner = arbitraryType({ ...options, depth: depth - 1 })
  const element: fc.Arbitrary<ElementType> = fc.record({ type: inner, nullable: fc.boolean() })
  // Map keys compare by identity in JavaScript, so keys with objects as row values would never be found again.
  const key = fc.constantFrom<DataType>(
    { kind: 'string' },
    { kind: 'int32' },
    { kind: 'int64', rows: 'bigint' },
    { kind: 'date' },
  )
  const nested = fc.oneof(
    element.map((e): DataType => ({ kind: 'list', element: e })),
    fc.tuple(key, element).map(([k, value]): DataType => ({ kind: 'map', key: k, value })),
    fc
      .uniqueArray(fc.tuple(arbitraryName(), element), {
        minLength: 1,
        maxLength: 3,
        selector: ([name]) => name,
      })
      .map((members): DataType => ({ kind: 'struct', fields: members.map(([name, e]) => ({ name, ...e })) })),
  )
  return fc.oneof({ weight: 4, arbitrary: flat }, { weight: 1, arbitrary: nested.filter(allowed) })
}

/** Column names, ordinary and awkward. */
function arbitraryName(): fc.Arbitrary<string> {
  const awkward = [
    'a b',
    'x.y',
    "it's",
    '"q"',
    '`b`',
    '${1}',
    'constructor',
    'toString',
    'größe',
    '😀',
    '0',
    '-',
    '\\',
  ]
  return fc.oneof(
    { weight: 3, arbitrary: fc.stringMatching(/^[a-z][a-z_]{0,8}$/) },
    { weight: 1, arbitrary: fc.constantFrom(...awkward) },
  )
}

/** A schema of one to `max` columns. */
export function arbitrarySchema(options: TypeOptions & { readonly max?: number } = {}): fc.Arbitrary<Schema> {
  const column = fc.record({ name: arbitraryName(), type: arbitraryType(options), nullable: fc.boolean() })
  return fc
    .uniqueArray(column, { minLength: 1, maxLength: options.max ?? 5, selector: (field) => field.name })
    .map((fields) => makeSchema(fields))
}

/** Integers within bounds, often at the bounds, at 0 and at ±2^53. */
function arbitraryBigint(min: bigint, max: bigint): fc.Arbitrary<bigint> {
  const edges = [
    min,
    max,
    0n,
    -1n,
    1n,
    2n ** 31n,
    2n ** 32n,
    2n ** 53n,
    2n ** 53n - 1n,
    -(2n ** 53n),
    1n - 2n ** 53n,
  ]
  return fc.oneof(
    fc.constantFrom(...edges.filter((edge) => edge >= min && edge <= max)),
    fc.bigInt({ min, max }),
    fc.bigInt({ min: min > -1000n ? min : -1000n, max: max < 1000n ? max : 1000n }),
  )
}

/** Strings: short, empty, of several scripts, with NUL, and now and then long. */
function arbitraryText(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.replace(/[\ud800-\udfff]/gu, '')),
    fc.constantFrom(
      '',
      '\0',
      'ORD',
      'JFK',
      'ÅÄÖ',
      '日本',
      '👩‍👩‍👧',
      'null',
      '"quoted, text"',
      'line\nbreak',
      '\ufeffbom',
    ),
    fc.integer({ min: 13, max: 300 }).map((n) => 'long-é-'.repeat(n).slice(0, n)),
  )
}

/** A value of a type, never null. */
function arbitraryCell(type: DataType): fc.Arbitrary<Cell> {
  const same = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<Cell> =>
    arbitrary.map((value) => ({ input: value, expected: value }))
  switch (type.kind) {
    case 'boolean':
      return same(fc.boolean())
    case 'int8':
      return same(fc.integer({ min: -128, max: 127 }))
    case 'int16':
      return same(fc.integer({ min: -32768, max: 32767 }))
    case 'int32':
      return same(fc.integer())
    case 'uint8':
      return same(fc.integer({ min: 0, max: 255 }))
    case 'uint16':
      return same(fc.integer({ min: 0, max: 65535 }))
    case 'uint32':
      return same(fc.integer({ min: 0, max: 4294967295 }))
    case 'int64':
    case 'uint64':
      return arbitraryInteger64(type)
    case 'float32':
      return same(fc.float())
    case 'float64':
      return same(
        fc.oneof(fc.double(), fc.constantFrom(-0, 0, Number.NaN, Infinity, -Infinity, 2 ** 53, 5e-324)),
      )
    case 'decimal':
      return same(
        arbitraryBigint(1n - 10n ** BigInt(type.precision), 10n ** BigInt(type.precision) - 1n).map(
          (unscaled) => formatDecimal(unscaled, type.scale),
        ),
      )
    case 'string':
      return same(arbitraryText())
    case 'bytes':
      return same(fc.uint8Array({ maxLength: 20 }))
    case 'date':
      return same(fc.integer({ min: -1_000_000, max: 3_000_000 }).map(formatDate))
    case 'time':
      return arbitraryTime(0n, 86_400_000n * perMs[type.unit] - 1n, perMs[type.unit])
    case 'timestamp':
      return arbitraryTimestamp(type.unit)
    case 'interval':
      return same(fc.record({ months: fc.integer(), days: fc.integer(), micros: fc.maxSafeInteger() }))
    case 'uuid':
      return same(fc.uuid())
    case 'json':
      return same(fc.json({ maxDepth: 2 }).map((text) => JSON.parse(text) as unknown))
    case 'list':
      return fc.array(arbitraryNullableCell(type.element), { maxLength: 4 }).map((cells) => ({
        input: cells.map((cell) => cell.input),
        expected: cells.map((cell) => cell.expected),
      }))
    case 'map':
      return fc
        .uniqueArray(fc.tuple(arbitraryMapKey(type.key), arbitraryNullableCell(type.value)), {
          maxLength: 4,
          selector: ([key]) => String(key.input),
        })
        .map((entries) => ({
          input: new Map(entries.map(([key, value]) => [key.input, value.input])),
          expected: new Map(entries.map(([key, value]) => [key.expected, value.expected])),
        }))
    case 'struct':
      return arbitraryRow(type.fields)
  }
}

/** A value of a type, or null where it may be. */
function arbitraryNullableCell(element: ElementType): fc.Arbitrary<Cell> {
  const cell = arbitraryCell(element.type)
  if (!element.nullable) return cell
  return fc.oneof(
    { weight: 3, arbitrary: cell },
    { weight: 1, arbitrary: fc.constant({ input: null, expected: null }) },
  )
}

/** An object with a value per field. */
export function arbitraryRow(fields: readonly Field[]): fc.Arbitrary<Cell> {
  return fc.tuple(...fields.map(arbitraryNullableCell)).map((cells) => ({
    input: Object.fromEntries(cells.map((cell, i) => [(fields[i] as Field).name, cell.input])),
    expected: Object.fromEntries(cells.map((cell, i) => [(fields[i] as Field).name, cell.expected])),
  }))
}

/** How batches are made. */
export interface BatchOptions extends TypeOptions {
  readonly schema?: Schema
  readonly rowsMax?: number
  readonly columnsMax?: number
  /** Whether batches may have a selection. Default true. */
  readonly selection?: boolean
  /** Whether columns may have unusual layouts. Default true. */
  readonly layouts?: boolean
}

/** A batch in any layout, with the rows it must read as. */
export function arbitraryBatch(options: BatchOptions = {}): fc.Arbitrary<GeneratedBatch> {
  const schemas =
    options.schema === undefined
      ? arbitrarySchema({ ...options, max: options.columnsMax ?? 5 })
      : fc.constant(options.schema)
  return schemas.chain((schema) =>
    fc
      .record({
        cells: fc.array(arbitraryRow(schema.fields), { maxLength: options.rowsMax ?? 20 }),
        seed: options.layouts === false ? fc.constant(0) : fc.nat(),
        selected:
          options.selection === false
            ? fc.constant(undefined)
            : fc.option(fc.infiniteStream(fc.boolean()), { nil: undefined }),
      })
      .map(({ cells, seed, selected }) => generatedBatch(schema, cells, { seed, selected })),
  )
}

/** The same rows in other layouts: seed 0 leaves the plain ones. */
export function relayoutBatch(batch: Batch, seed: number): Batch {
  if (seed === 0) return batch
  const random = lcg(seed)
  return { ...batch, columns: batch.columns.map((column) => relayout(column, batch.length, random)) }
}

function generatedBatch(
  schema: Schema,
  cells: readonly Cell[],
  shape: { seed: number; selected: Iterable<boolean> | undefined },
): GeneratedBatch {
  const builder = new BatchBuilder<unknown>(schema, 4)
  for (const cell of cells) builder.appendRow(cell.input as object)
  const batch = relayoutBatch(builder.finish(), shape.seed)
  const rows = cells.map((cell) => cell.expected as Record<string, unknown>)
  if (shape.selected === undefined) return { schema, batch, rows }
  const iterator = shape.selected[Symbol.iterator]()
  const indices = rows.map((_, index) => index).filter(() => iterator.next().value === true)
  // Longer than the count, as pooled selections are.
  const selection = new Int32Array(indices.length + 3).fill(-1)
  selection.set(indices)
  return {
    schema,
    batch: { ...batch, selection, selectedCount: indices.length },
    rows: indices.map((index) => rows[index] as Record<string, unknown>),
  }
}

function relayout(column: Column, length: number, random: () => number): Column {
  const validity = relayoutValidity(column, length, random)
  switch (column.layout) {
    case 'fixed': {
      const values = column.values.slice()
      for (let i = 0; i < length; i++) if (!isValid(column, i)) values[i] = random() * 100
      if (!canBeWide(column.type) || random() < 0.6) return { ...column, values, validity }
      const words = column.type.kind === 'decimal' ? 2 : 1
      const wide = new BigInt64Array(length * words)
      for (let i = 0; i < length; i++) {
        const value = isValid(column, i) ? BigInt(column.values[i] as number) : 77n
        wide[i * words] = value
        if (words === 2) wide[i * 2 + 1] = value < 0n ? -1n : 0n
      }
      return { layout: 'wide', type: column.type, values: wide, validity }
    }
    case 'wide':
    case 'dictionary':
      return { ...column, validity }
    case 'utf8':
      return random() < 0.5
        ? scattered(column, length, { random, validity })
        : dictionaryOf(column, length, { random, validity })
    case 'list': {
      let childLength = 0
      for (let i = 0; i < length; i++) {
        if (isValid(column, i))
          childLength = Math.max(childLength, (column.starts[i] as number) + (column.lengths[i] as number))
      }
      return { ...column, child: relayout(column.child, childLength, random), validity }
    }
    case 'struct':
      return {
        ...column,
        children: column.children.map((child) => relayout(child, length, random)),
        validity,
      }
  }
}

/** A bitmap although nothing is null, or as it was. */
function relayoutValidity(column: Column, length: number, random: () => number): Uint8Array | undefined {
  if (column.validity !== undefined || random() < 0.7) return column.validity
  return new Uint8Array((length + 7) >> 3).fill(0xff)
}

interface Relayout {
  readonly random: () => number
  readonly validity: Uint8Array | undefined
}

/** The same strings at other places of another chunk, with gaps, in no order. */
function scattered(column: Utf8Column, length: number, { random, validity }: Relayout): Utf8Column {
  const total = Array.from({ length }, (_, i) => column.lengths[i] as number).reduce((a, b) => a + b, 0)
  const bytes = new Uint8Array(total + length * 3 + 8).fill(0x7b)
  const starts = new Int32Array(length)
  const lengths = column.lengths.slice(0, length)
  const places = Array.from({ length }, (_, i) => i).toSorted(() => random() - 0.5)
  let at = 0
  for (const i of places) {
    at += Math.floor(random() * 3)
    starts[i] = at
    bytes.set(
      column.bytes.subarray(column.starts[i], (column.starts[i] as number) + (lengths[i] as number)),
      at,
    )
    at += lengths[i] as number
  }
  return { ...column, bytes, starts, lengths, validity }
}

/** The same strings as codes, with repeated and unused entries in the dictionary. */
function dictionaryOf(column: Utf8Column, length: number, { random, validity }: Relayout): DictionaryColumn {
  const entryOf = new Map<string, number>()
  const rowsOfEntries: number[] = []
  const codes = new Int32Array(length)
  for (let i = 0; i < length; i++) {
    if (!isValid(column, i)) continue
    const start = column.starts[i] as number
    const key = String(column.bytes.subarray(start, start + (column.lengths[i] as number)))
    let entry = entryOf.get(key)
    if (entry === undefined || random() < 0.2) {
      entry = rowsOfEntries.length
      entryOf.set(key, entry)
      rowsOfEntries.push(i)
    }
    codes[i] = entry
  }
  const dictionary: Utf8Column = {
    layout: 'utf8',
    type: column.type,
    bytes: column.bytes,
    starts: Int32Array.from([...rowsOfEntries.map((row) => column.starts[row] as number), 0]),
    lengths: Int32Array.from([...rowsOfEntries.map((row) => column.lengths[row] as number), 0]),
    validity: undefined,
  }
  return {
    layout: 'dictionary',
    type: column.type,
    codes,
    dictionary,
    dictionaryLength: rowsOfEntries.length + 1,
    validity,
  }
}

function arbitraryInteger64(type: DataType & { kind: 'int64' | 'uint64' }): fc.Arbitrary<Cell> {
  const [low, high] = type.kind === 'int64' ? [-(2n ** 63n), 2n ** 63n - 1n] : [0n, 2n ** 64n - 1n]
  if (type.rows === 'bigint')
    return arbitraryBigint(low, high).map((value) => ({ input: value, expected: value }))
  const safe = 2n ** 53n - 1n
  return arbitraryBigint(type.kind === 'int64' ? -safe : 0n, safe).map((value) => ({
    input: Number(value),
    expected: Number(value),
  }))
}

function arbitraryMapKey(type: DataType): fc.Arbitrary<Cell> {
  return arbitraryCell(type)
}

function arbitraryTimestamp(unit: TimeUnit): fc.Arbitrary<Cell> {
  // Milliseconds must be exact as a number in rows; the count itself may need 64 bits.
  const limit = 2n ** 53n - 1n
  const most = 2n ** 63n - 1n < limit * perMs[unit] ? 2n ** 63n - 1n : limit * perMs[unit]
  // The milliseconds of a row can always be written again.
  return arbitraryTime(-(most / perMs[unit]) * perMs[unit], most, perMs[unit])
}

function arbitraryTime(min: bigint, max: bigint, units64: bigint): fc.Arbitrary<Cell> {
  return arbitraryBigint(min, max).map((count) => {
    const rest = ((count % units64) + units64) % units64
    const ms = Number((count - rest) / units64)
    return { input: count, expected: ms }
  })
}

/** Numbers in [0, 1) from a seed, so that a failing batch is found again. */
function lcg(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
