/**
 * Generated inputs: columns of any type, keys that repeat, times that are equal, out of order, or before 1970.
 */
import type { DataType, Field, Json } from '../../data/index.ts'
import type { SourceCase } from './description.ts'
import type { Dice } from './dice.ts'
import { canBeKey, drawElement, drawType, isInexact } from './generate-values.ts'

/** How event times of a whole pipeline lie. */
export interface TimeScale {
  /** Times lie around here. */
  readonly baseMs: number
  /** Windows and the distances of rows are multiples of it. */
  readonly unitMs: number
}

/** What a source is drawn by. */
export interface SourceOptions {
  readonly name: string
  readonly scale: TimeScale
  /** The columns of another source, to be united with it. */
  readonly like: SourceCase | undefined
  /** Rows of one split that the watermark may leave behind; or none. */
  readonly late: 'none' | 'one-split' | 'several-splits'
}

/** The column that tells rows apart where late rows have to be found again. */
export const ID = 'id'

const keyTypes: readonly DataType[] = [
  { kind: 'string' },
  { kind: 'int32' },
  { kind: 'int64', rows: 'number' },
  { kind: 'boolean' },
  { kind: 'float64' },
  { kind: 'date' },
]
const timeTypes: readonly DataType[] = [
  { kind: 'timestamp', unit: 'ms', zoned: false },
  { kind: 'timestamp', unit: 'us', zoned: false },
  { kind: 'int64', rows: 'number' },
  { kind: 'timestamp', unit: 'ns', zoned: true },
  { kind: 'float64' },
]
const names = ['x', 'y', 'z w', 'größe']

/** A source of the rows that `choices` make, one list of choices a row. */
export function drawSource(
  dice: Dice,
  rowDice: readonly Dice[],
  { name, scale, like, late }: SourceOptions,
): SourceCase {
  const columns = like?.columns ?? drawColumns(dice, late)
  const time = columns.findIndex((one) => one.name === 'at')
  const drawn = rowDice.map((row) => drawRow(row, columns, scale))
  const splits = late === 'one-split' ? 1 : 1 + dice.below(3)
  if (time < 0) return { name, columns, rows: drawn.map(({ cells }) => cells), splits }
  const isSorted = late === 'none' && dice.chance(3)
  const rows = isSorted ? drawn.toSorted((left, right) => (left.ms ?? 0) - (right.ms ?? 0)) : drawn
  const needed = disorderOf(rows, splits)
  const isMarked = columns.some((one) => one.name === 'mark')
  const watermark = isMarked
    ? { from: 'mark' }
    : late === 'none'
      ? dice.one([needed, 'at-end' as const, needed + scale.unitMs])
      : Math.floor((needed * dice.below(3)) / 4)
  const marked = isMarked ? withMarks(rows, splits, columns) : rows.map(({ cells }) => cells)
  const cells = marked.map((row, at) => row.map((cell, column) => (columns[column]?.name === ID ? at : cell)))
  const onMissing = columns[time]?.nullable === true ? 'reject' : 'fail'
  return { name, columns, rows: cells, splits, eventTime: { column: 'at', watermark, onMissing } }
}

function drawColumns(dice: Dice, late: SourceOptions['late']): readonly Field[] {
  const key = { name: 'k', type: dice.one(keyTypes), nullable: dice.chance(3) }
  const isTimed = late !== 'none' || !dice.chance(8)
  const at = { name: 'at', type: dice.one(timeTypes), nullable: late === 'none' && dice.chance(6) }
  const others = names
    .filter(() => dice.chance(2))
    .map((name) => ({ name, type: drawType(dice), nullable: dice.chance(2) }))
  const isMarked = isTimed && late === 'none' && dice.chance(8)
  return [
    key,
    ...(isTimed ? [at] : []),
    ...others,
    ...(late === 'none' ? [] : [{ name: ID, type: { kind: 'int32' } as const, nullable: false }]),
    ...(isMarked ? [{ name: 'mark', type: { kind: 'int64', rows: 'number' } as const, nullable: true }] : []),
  ]
}

interface DrawnRow {
  readonly cells: readonly Json[]
  readonly ms: number | undefined
}

function drawRow(dice: Dice, columns: readonly Field[], { baseMs, unitMs }: TimeScale): DrawnRow {
  let ms: number | undefined
  const cells = columns.map((field): Json => {
    if (field.name === ID || field.name === 'mark') return null
    if (field.name !== 'at') return drawElement(dice, field)
    const time = baseMs + dice.one(steps) * unitMs + dice.one(jitters)
    if (field.nullable && dice.chance(8)) return null
    ms = time
    return timeCell(field.type, time)
  })
  return { cells, ms }
}

/** Small steps, so that times are equal and meet the borders of windows. */
const steps = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, -1, -2, -3, -5, -8]
const jitters = [0, 0, 0, 1, -1]

function timeCell(type: DataType, ms: number): Json {
  if (type.kind !== 'timestamp' || type.unit === 'ms') return ms
  return String(BigInt(ms) * (type.unit === 'us' ? 1000n : 1_000_000n) + (ms % 2 === 0 ? 0n : 7n))
}

/** Rows of each split, as memoryRows cuts them. */
function splitRows<Row>(rows: readonly Row[], splits: number): readonly (readonly Row[])[] {
  return Array.from({ length: splits }, (_, split) =>
    rows.slice(Math.floor((rows.length * split) / splits), Math.floor((rows.length * (split + 1)) / splits)),
  )
}

/** The disorder that makes no row late. */
function disorderOf(rows: readonly DrawnRow[], splits: number): number {
  let needed = 0
  for (const split of splitRows(rows, splits)) {
    let highest = -Infinity
    for (const { ms } of split) {
      if (ms === undefined) continue
      highest = Math.max(highest, ms)
      needed = Math.max(needed, highest - ms)
    }
  }
  return needed
}

/** Some rows say which time no later row of their split lies before. */
function withMarks(
  rows: readonly DrawnRow[],
  splits: number,
  columns: readonly Field[],
): readonly (readonly Json[])[] {
  const mark = columns.findIndex(({ name }) => name === 'mark')
  return splitRows(rows, splits).flatMap((split) =>
    split.map(({ cells }, at) => {
      const ahead = split.slice(at + 1).flatMap(({ ms }) => (ms === undefined ? [] : [ms]))
      const promise = Math.min(...ahead)
      return cells.map((cell, column) =>
        column === mark && at % 2 === 0 && promise < Infinity ? promise : cell,
      )
    }),
  )
}

/** Columns that can be keys. */
export function keyColumns(fields: readonly Field[]): readonly Field[] {
  return fields.filter(({ name, type }) => canBeKey(type) && !isInexact(name))
}
