/**
 * Generated types of columns and cells: small and repeating, so that keys and comparisons meet, with the edges in between.
 */
import type { DataType, Json } from '../../data/index.ts'
import type { Dice } from './dice.ts'

/** Types of columns, the plainest first. */
const types: readonly DataType[] = [
  { kind: 'int32' },
  { kind: 'string' },
  { kind: 'float64' },
  { kind: 'boolean' },
  { kind: 'int64', rows: 'number' },
  { kind: 'int64', rows: 'bigint' },
  { kind: 'timestamp', unit: 'ms', zoned: false },
  { kind: 'decimal', precision: 12, scale: 2 },
  { kind: 'date' },
  { kind: 'uint8' },
  { kind: 'int16' },
  { kind: 'uint32' },
  { kind: 'uint64', rows: 'bigint' },
  { kind: 'float32' },
  { kind: 'decimal', precision: 30, scale: 4 },
  { kind: 'bytes' },
  { kind: 'uuid' },
  { kind: 'time', unit: 'ms' },
  { kind: 'timestamp', unit: 'us', zoned: true },
  { kind: 'timestamp', unit: 'ns', zoned: false },
  { kind: 'json' },
  { kind: 'list', element: { type: { kind: 'int32' }, nullable: true } },
  { kind: 'list', element: { type: { kind: 'string' }, nullable: false } },
  {
    kind: 'struct',
    fields: [
      { name: 'a', type: { kind: 'int32' }, nullable: false },
      { name: 'b', type: { kind: 'string' }, nullable: true },
    ],
  },
  { kind: 'map', key: { kind: 'string' }, value: { type: { kind: 'int32' }, nullable: false } },
]

/** Any type. */
export function drawType(dice: Dice): DataType {
  return dice.one(types)
}

/** Types that can be keys. */
export function canBeKey(type: DataType): boolean {
  return !isNested(type) && type.kind !== 'json'
}

/** Types whose values have parts. */
export function isNested(type: DataType): boolean {
  return ['list', 'map', 'struct', 'interval'].includes(type.kind)
}

const texts = [
  'a',
  'b',
  '',
  'é',
  'ab',
  'A',
  'b%',
  '日本',
  '😀',
  ' a ',
  'a long text, longer than thirty-two bytes',
]
const floats: readonly Json[] = [0, 1, -1.5, 2.25, 100, -0.125, '-0', 'NaN', 1e6, 'Infinity', '-Infinity']
const uuids = ['00000000-0000-0000-0000-000000000000', '123e4567-e89b-12d3-a456-426614174000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'] // prettier-ignore
const dates = ['1970-01-01', '1969-12-31', '2024-02-29', '1900-03-01', '2000-12-31']
const jsons: readonly Json[] = [1, null, 'x', { a: [1, 2.5] }, [], true]
const integers = [0, 1, 2, -1, 3, 7, 100, -50]

const edges: { readonly [kind: string]: readonly number[] } = {
  uint8: [0, 255],
  int16: [-32_768, 32_767],
  int32: [-2_147_483_648, 2_147_483_647],
  uint32: [0, 4_294_967_295],
}
const wideEdges: { readonly [kind: string]: readonly bigint[] } = {
  int64: [-(2n ** 62n), 2n ** 62n - 1n, 2n ** 53n + 1n, -(2n ** 32n)],
  uint64: [0n, 2n ** 63n, 2n ** 53n + 1n],
}

/** A cell of a type, as cell-json.ts reads it. */
function drawCell(dice: Dice, type: DataType): Json {
  switch (type.kind) {
    case 'boolean':
      return dice.below(2) === 1
    case 'string':
      return dice.one(texts)
    case 'float32':
    case 'float64':
      return dice.one(floats)
    case 'bytes':
      return dice.one(['', '00', 'ff', '00ff', 'c3a9'])
    case 'uuid':
      return dice.one(uuids)
    case 'date':
      return dice.one(dates)
    case 'json':
      return dice.one(jsons)
    case 'decimal':
      return drawDecimal(dice, type.precision, type.scale)
    case 'time':
      return dice.one([0, 1, 43_200_000, 86_399_999])
    case 'timestamp':
      return drawTimestamp(dice, type.unit)
    case 'int64':
    case 'uint64':
      return drawWide(dice, type)
    default:
      return isNested(type) ? drawNested(dice, type) : drawInteger(dice, type.kind)
  }
}

function drawInteger(dice: Dice, kind: string): number {
  const [low, high] = edges[kind] as readonly [number, number]
  return Math.max(low, Math.min(high, dice.chance(12) ? dice.one([low, high]) : dice.one(integers)))
}

function drawWide(dice: Dice, type: DataType & { readonly kind: 'int64' | 'uint64' }): Json {
  if (type.rows === 'number')
    return dice.chance(15)
      ? dice.one([9_007_199_254_740_991, -9_007_199_254_740_991, 2 ** 32])
      : dice.one(integers)
  const small = dice.one(integers)
  if (dice.chance(6)) return String(dice.one(wideEdges[type.kind] as readonly bigint[]))
  return String(type.kind === 'uint64' ? Math.abs(small) : small)
}

function drawDecimal(dice: Dice, precision: number, scale: number): string {
  const small = `${dice.one(integers)}.${dice.one(['5', '00', '25', '01'])}`
  return dice.chance(10) ? `${dice.one(['', '-'])}${'9'.repeat(precision - scale - 1)}.5` : small
}

function drawTimestamp(dice: Dice, unit: 'ms' | 'us' | 'ns'): Json {
  const ms = dice.one([0, 1, -1, 1000, -1000, 951_782_400_000, -2_208_988_800_001])
  if (unit === 'ms') return ms
  const perMs = unit === 'us' ? 1000n : 1_000_000n
  return String(BigInt(ms) * perMs + BigInt(dice.one([0, 1, 999])))
}

function drawNested(dice: Dice, type: DataType): Json {
  const count = dice.below(3)
  switch (type.kind) {
    case 'list':
      return Array.from({ length: count }, () => drawElement(dice, type.element))
    case 'map':
      return Array.from({ length: count }, (_, at) => [texts[at] as string, drawElement(dice, type.value)])
    case 'struct':
      return Object.fromEntries(type.fields.map((field) => [field.name, drawElement(dice, field)]))
    default:
      throw new Error(`no values of type ${type.kind}`)
  }
}

/** A cell that may be null where it can. */
export function drawElement(
  dice: Dice,
  field: { readonly type: DataType; readonly nullable: boolean },
): Json {
  return field.nullable && dice.chance(5) ? null : drawCell(dice, field.type)
}

/** How columns are named whose floats are right to 1e-9 only (law L1): nothing may hang on their last digits. */
export const INEXACT = 'f'

/** Whether the last digits of a column are not told by its definition. */
export function isInexact(name: string): boolean {
  return /^f\d/.test(name)
}
