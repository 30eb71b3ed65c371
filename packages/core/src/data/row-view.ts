/**
 * Row views: one reusable object per schema through which user functions see the rows of a batch.
 *
 * The view has own enumerable getters, so that spread, `JSON.stringify` and `toEqual` treat it as a plain object
 * (own getters measured 711 against 1,023 million reads per second on a prototype).
 * Getters are generated per schema, read lazily, and decode a string once per row. Invariants (tests quote them):
 *  RV1  A view shows the row of the last `seek`, during the call it was made for.
 *  RV2  In development mode every `seek` makes a new view, and reading one that is no longer current throws `step/kept-view`.
 *  RV3  A null cell reads as null whatever lies under it (column.ts C2).
 *  RV4  Reading a column that the view does not have throws `step/unknown-column` (row-guard.ts).
 *  RV5  Behind `poison`, when the rows of a batch are done, reading a kept view throws `step/kept-view` in every mode.
 */
import { MillraceError } from '../errors.ts'
import { formatDate } from '../time/instant.ts'
import type { Batch } from './batch.ts'
import { rowCount, rowIndex } from './batch.ts'
import type { Column } from './column.ts'
import { isValid } from './column.ts'
import { registerView } from './exact-time.ts'
import { canGenerate, generate } from './generate.ts'
import { plainLayoutOf } from './layout.ts'
import { readValue } from './read-value.ts'
import type { DataType, Field, Schema } from './type.ts'
import { keptView, rowGuard } from './row-guard.ts'
import { TextReader } from './text-reader.ts'

/** Reads the rows of batches of one schema through one object. */
export interface RowReader<Row = unknown> {
  /** The view. In development mode another object after every `seek`. */
  readonly view: Row
  /** Takes the columns of a batch; call it once per batch, before `seek`. */
  bind(batch: Batch): void
  /** Moves to a physical row and gives the view. */
  seek(physicalIndex: number): Row
  /** Ends the view's life until the next `bind`: reading it now throws `step/kept-view`. */
  poison(): void
}

/** How a row view behaves. */
export interface RowViewOptions {
  /** Finds views that user code keeps beyond their call, at the price of a new object per row. Default false. */
  readonly development?: boolean
  /** The only columns that the view has, in the order of the schema. Default: all. */
  readonly columns?: readonly string[] | undefined
}

/**
 * Makes a row view of a schema.
 *
 * @example
 * ```ts
 * const flights = schema({ origin: t.string(), delay: t.int32() })
 * const batch = batchOfRows(flights, [{ origin: 'SEA', delay: 20 }])
 * const reader = createRowView(flights)
 * reader.bind(batch)
 * for (let n = 0; n < rowCount(batch); n++) console.log(reader.seek(rowIndex(batch, n)).origin)
 * ```
 */
export function createRowView<Row>(schema: Schema<Row>, options?: RowViewOptions): RowReader<Row> {
  if (options?.development === true || !canGenerate()) {
    return interpretedReader(schema, shownOf(schema, options), options?.development === true)
  }
  return generatedReader(schema, shownOf(schema, options))
}

/** The columns that a view has. */
interface Shown {
  readonly positions: readonly number[]
  /** What answers for other names. */
  readonly guard: object
}

function shownOf({ fields }: Schema, options: RowViewOptions | undefined): Shown {
  const positions = [...fields.keys()].filter(
    (at) => options?.columns === undefined || options.columns.includes((fields[at] as Field).name),
  )
  const names = positions.map((at) => (fields[at] as Field).name)
  return { positions, guard: rowGuard(names, options?.columns !== undefined) }
}

/** What generated getters call for the values that are not a plain number. */
const helpers = {
  readValue: (column: Column | undefined, index: number, name: string): unknown => {
    // Between calls there is no column (RV5).
    if (column === undefined) throw keptView(name)
    return readValue(column, index, name)
  },
  formatDate,
  TextReader,
  keptView,
}

interface GeneratedReader<Row> {
  readonly view: Row
  bind(columns: readonly Column[], rows: number): void
  seek(index: number): Row
  poison(): void
  position(): number
}

type ReaderFactory = (
  names: readonly string[],
  types: readonly DataType[],
  use: typeof helpers,
  guard: object,
) => unknown

function generatedReader<Row>(schema: Schema<Row>, { positions, guard }: Shown): RowReader<Row> {
  const source = readerSource(schema, positions)
  const factory = generate<ReaderFactory>(['names', 'types', 'use', 'guard'], source)
  const names = schema.fields.map((field) => field.name)
  const types = schema.fields.map((field) => field.type)
  const reader = factory(names, types, helpers, guard) as GeneratedReader<Row>
  let columns: readonly Column[] = []
  registerView(reader.view as object, { schema, columns: () => columns, index: reader.position })
  return {
    view: reader.view,
    bind: (batch) => {
      checkBatch(schema, batch)
      columns = batch.columns
      reader.bind(columns, batch.length)
    },
    seek: reader.seek,
    poison: () => {
      columns = []
      reader.poison()
    },
  }
}

/** The source of one reader. Names come in by index; types choose the template of each getter. */
function readerSource(schema: Schema, positions: readonly number[]): string {
  const templates = positions.map((i) => ({ i, ...getterOf(schema.fields[i] as Field, i) }))
  return [
    'let index = 0;',
    ...templates.map((template) => template.state),
    'const view = {',
    '__proto__: guard,',
    ...templates.map(({ i, ...template }) => `get [names[${i}]]() { ${template.read} },`),
    '};',
    'return {',
    'view,',
    'bind: (columns, rows) => {',
    ...templates.map(({ i, ...template }) => `{ const column = columns[${i}]; ${template.bind} }`),
    '},',
    'seek: (physical) => { index = physical; return view; },',
    `poison: () => { index = -1; ${templates.map(({ poison }) => poison).join(' ')} },`,
    'position: () => index,',
    '};',
  ].join('\n')
}

interface GetterTemplate {
  readonly state: string
  readonly bind: string
  readonly read: string
  /** After it, reading throws. */
  readonly poison: string
}

function getterOf(field: Field, i: number): GetterTemplate {
  // Only nullable columns look at the bitmap; checkBatch has made sure that the others have no nulls.
  const nullable = field.nullable
  const state = nullable ? `let m${i};` : ''
  const bind = nullable ? `m${i} = column.validity;` : ''
  const guard = nullable
    ? `if (m${i} !== undefined && (m${i}[index >> 3] & (1 << (index & 7))) === 0) return null;`
    : ''
  const poison = nullable ? `m${i} = undefined;` : ''
  const { type } = field
  if (plainLayoutOf(type) === 'fixed') {
    const value = fixedTemplate(type, i)
    return {
      state: `${state} let c${i}, v${i};`,
      bind: `${bind} c${i} = column; v${i} = column.layout === 'fixed' ? column.values : undefined;`,
      read: `${guard} if (v${i} === undefined) return use.readValue(c${i}, index, names[${i}]); ${value}`,
      poison: `${poison} c${i} = v${i} = undefined;`,
    }
  }
  if (type.kind === 'string' || type.kind === 'uuid') {
    return {
      state: `${state} const r${i} = new use.TextReader();`,
      bind: `${bind} r${i}.bind(column, rows);`,
      read: `if (index < 0) throw use.keptView(names[${i}]); ${guard} return r${i}.read(index);`,
      poison,
    }
  }
  return {
    state: `${state} let c${i}, k${i} = -1, x${i};`,
    bind: `${bind} c${i} = column; k${i} = -1; x${i} = undefined;`,
    read: `${guard} if (k${i} !== index) { x${i} = use.readValue(c${i}, index, names[${i}]); k${i} = index; } return x${i};`,
    poison: `${poison} c${i} = x${i} = undefined; k${i} = -2;`,
  }
}

function fixedTemplate(type: DataType, i: number): string {
  switch (type.kind) {
    case 'boolean':
      return `return v${i}[index] !== 0;`
    case 'date':
      return `return use.formatDate(v${i}[index]);`
    case 'decimal':
      return `return use.readValue(c${i}, index);`
    case 'int64':
    case 'uint64':
      return type.rows === 'bigint' ? `return BigInt(v${i}[index]);` : `return v${i}[index];`
    case 'time':
    case 'timestamp':
      if (type.unit === 'ms') return `return v${i}[index];`
      return `return Math.floor(v${i}[index] / ${type.unit === 'us' ? 1000 : 1_000_000});`
    default:
      return `return v${i}[index];`
  }
}

/** The twin without generated code, and the one that finds kept views (RV2). */
function interpretedReader<Row>(
  schema: Schema<Row>,
  { positions, guard }: Shown,
  development: boolean,
): RowReader<Row> {
  let columns: readonly Column[] = []
  let index = 0
  let current: object = {}
  const makeView = (): object => {
    const view = Object.create(guard) as object
    for (const position of positions) {
      const { name } = schema.fields[position] as Field
      const get = (): unknown => {
        if (development && view !== current) throw keptView(name)
        return helpers.readValue(columns[position], index, name)
      }
      Object.defineProperty(view, name, { enumerable: true, configurable: false, get })
    }
    registerView(view, { schema, columns: () => columns, index: () => index })
    return view
  }
  current = makeView()
  return {
    get view() {
      return current as Row
    },
    bind: (batch) => {
      checkBatch(schema, batch)
      columns = batch.columns
      if (development) current = makeView()
    },
    seek: (physicalIndex) => {
      index = physicalIndex
      if (development) current = makeView()
      return current as Row
    },
    poison: () => {
      columns = []
      if (development) current = {}
    },
  }
}

function checkBatch(schema: Schema, batch: Batch): void {
  for (let c = 0; c < schema.fields.length; c++) {
    const field = schema.fields[c] as Field
    const column = batch.columns[c]
    if (column === undefined) {
      throw new MillraceError('internal/assertion', { what: `a batch lacks column "${field.name}"` })
    }
    if (field.nullable || column.validity === undefined) continue
    for (let n = 0; n < rowCount(batch); n++) {
      if (isValid(column, rowIndex(batch, n))) continue
      throw new MillraceError('internal/assertion', {
        what: `column "${field.name}" has a null although it is declared without nulls`,
      })
    }
  }
}
