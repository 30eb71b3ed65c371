/**
 * The state of a checkpoint as rows, for people and their tools: what every step keeps at one epoch, table by table, with
 * typed key columns. Reads files only; no program is needed.
 *
 * Files hold changes (docs/internals/checkpoints.md): later rows take the place of earlier ones, and some say what is gone.
 * Here they are put together, in memory.
 */
import { StateFileReader } from '../checkpoint/index.ts'
import type { CheckpointStore, Manifest, StatePart, StateRows } from '../checkpoint/index.ts'
import { batchToRows } from '../data/index.ts'
import type { DataType, Field, Schema } from '../data/index.ts'
import type { ByteChecks } from '../host/host.ts'
import type { StateDeclaration } from '../plan/logical.ts'
import type { StepMeaning } from '../plan/step-meaning.ts'
import { savedTypeNote, valueOfSavedCell } from '../state/index.ts'

/** A row of a table, by column. */
export interface StateRow {
  readonly [column: string]: unknown
}

/** One table of a step. */
export interface StateTable {
  readonly step: string
  /** `values`, `list:NAME`, `map:NAME`, `timers`, `panes`, `sessions`, `progress`; of sources `splits` and others. */
  readonly table: string
  /** The columns of the key, in its order; none in tables that are not by key. */
  readonly keys: readonly string[]
  readonly schema: Schema
  readonly rows: readonly StateRow[]
}

/**
 * The column besides the key that tells rows of a table apart. Columns of the engine have more slashes where a key has
 * their name (engine/keyed-part.ts).
 */
const identities: { readonly [table: string]: RegExp } = {
  timers: /^\/+name$/,
  panes: /^\/+pane$/,
  sessions: /^\/+start$/,
  splits: /^id$/,
  remembered: /^key$/,
  tasks: /^task$/,
}

/**
 * Reads the tables of a checkpoint.
 *
 * @param step - of this step only
 * @throws MillraceError `checkpoint/damaged`.
 */
export async function readStateTables(
  manifest: Manifest,
  { store, checks }: { readonly store: CheckpointStore; readonly checks: ByteChecks },
  step?: string,
): Promise<readonly StateTable[]> {
  const steps = new Map<string, StepTables>()
  for (const file of manifest.state) {
    if (step !== undefined && file.step !== step) continue
    const reader = await StateFileReader.open(store, file, checks)
    const tables = steps.get(file.step) ?? new StepTables(file.step)
    steps.set(file.step, tables)
    tables.begin(reader.parts, reader.about as unknown as StepMeaning | undefined)
    for await (const rows of reader.read()) tables.take(rows)
  }
  return [...steps.values()].flatMap((tables) => tables.finish())
}

/** The tables of one step under construction. */
class StepTables {
  readonly #step: string
  #about: StepMeaning | undefined
  readonly #parts = new Map<string, StatePart>()
  readonly #rows = new Map<string, Map<string, StateRow>>()

  constructor(step: string) {
    this.#step = step
  }

  begin(parts: readonly StatePart[], about: StepMeaning | undefined): void {
    this.#about = about
    for (const part of parts) this.#parts.set(part.name, part)
  }

  take({ part, batch }: StateRows): void {
    const kept = this.#rows.get(part) ?? new Map<string, StateRow>()
    this.#rows.set(part, kept)
    const columns = this.#identity(part, batch.schema)
    const gone = this.#goneColumn(part, batch.schema)
    const isOfSource = this.#about?.kind === 'source'
    // All tasks are told of together: there may be fewer now.
    if (isOfSource && part === 'tasks') kept.clear()
    for (const row of batchToRows(batch) as readonly StateRow[]) {
      // Rows of the table of a lookup join are only added, and those that are equal count each.
      const id = part === 'table' ? String(kept.size) : identityOf(row, columns)
      if (isOfSource && part === 'remembered' && row['value'] === null) kept.delete(id)
      else if (gone !== undefined && row[gone] === true) {
        if (part.startsWith('list:')) removeKey(kept, identityOf(row, this.#keys))
        else kept.delete(id)
      } else kept.set(id, row)
    }
    if (part === 'progress') this.#dropBehind(kept)
  }

  finish(): readonly StateTable[] {
    return Array.from(this.#parts.values(), (part) => {
      const rows = [...(this.#rows.get(part.name)?.values() ?? [])]
      const columns = part.schema.fields.flatMap((field) => this.#column(part, field))
      return {
        step: this.#step,
        table: part.name,
        keys: this.#hasKeys(part.schema) ? this.#keys : [],
        schema: { fields: columns.map(({ field }) => field) },
        rows: rows.map((row) =>
          Object.fromEntries(columns.map(({ field, from, value }) => [field.name, value(row[from])])),
        ),
      }
    })
  }

  get #keys(): readonly string[] {
    return this.#about !== undefined && 'keys' in this.#about ? this.#about.keys.map(({ name }) => name) : []
  }

  #hasKeys({ fields }: Schema): boolean {
    return this.#keys.length > 0 && this.#keys.every((name, at) => fields[at]?.name === name)
  }

  /** The column that says that a row is gone. */
  #goneColumn(part: string, schema: Schema): string | undefined {
    const kind = this.#about?.kind
    if (kind === 'source') return part === 'splits' ? 'gone' : undefined
    const hasMark = kind === 'process' ? part !== 'progress' : part === 'sessions'
    return hasMark ? this.#engineColumn(schema, 'removed') : undefined
  }

  /** A column of the engine: behind the keys, and with more slashes where a key has its name. */
  #engineColumn(schema: Schema, name: string): string | undefined {
    const keys = this.#hasKeys(schema) ? this.#keys.length : 0
    return schema.fields.slice(keys).find((field) => field.name.replace(/^\/+/, '/') === `/${name}`)?.name
  }

  #identity(part: string, schema: Schema): readonly string[] {
    const keys = this.#hasKeys(schema) ? this.#keys : []
    const own = schema.fields.slice(keys.length).map(({ name }) => name)
    const isOwn = part.startsWith('list:')
      ? /^\/+at$/
      : part.startsWith('map:')
        ? /^\/+key( |$)/
        : (identities[part] ?? /^$/)
    return [...keys, ...own.filter((name) => isOwn.test(name)).slice(0, 1)]
  }

  /** Windows and timers that have fired are not marked as gone: the progress of the step tells. */
  #dropBehind(progress: ReadonlyMap<string, StateRow>): void {
    if (this.#about?.kind === 'process') {
      const watermark = furthest(progress, 'watermark')
      this.#dropRows('timers', 'time', (time) => time <= watermark)
    }
    if (this.#about?.kind !== 'window-aggregate') return
    const { spec } = this.#about
    const droppedTo = furthest(progress, 'droppedTo')
    this.#dropRows('panes', 'pane', (pane) => lastEndOf(pane, spec) <= droppedTo)
    this.#dropRows('sessions', 'last', (last) => last < droppedTo)
  }

  #dropRows(part: string, column: string, isBehind: (time: number) => boolean): void {
    const rows = this.#rows.get(part)
    const schema = this.#parts.get(part)?.schema
    const name = schema === undefined ? undefined : this.#engineColumn(schema, column)
    if (rows === undefined || name === undefined) return
    for (const [id, row] of rows) if (isBehind(Number(row[name]))) rows.delete(id)
  }

  /** A column as people read it; none for those that only the engine needs. */
  #column({ name: part, schema }: StatePart, field: Field): readonly ReadColumn[] {
    const { name } = field
    const plain: ReadColumn = { field, from: name, value: (cell) => cell }
    if (this.#hasKeys(schema) && this.#keys.includes(name)) return [plain]
    if (name === this.#goneColumn(part, schema)) return []
    if (part.startsWith('map:') && name === this.#engineColumn(schema, 'order')) return []
    const declared = this.#declared(part, name)
    if (part === 'timers' && name === this.#engineColumn(schema, 'time'))
      return [
        {
          ...plain,
          field: { ...field, type: { kind: 'timestamp', unit: 'ms', zoned: true } },
          value: instantOf,
        },
      ]
    if (declared === undefined) return [plain]
    return [
      {
        field: { name: declared.name, type: declared.type, nullable: true },
        from: name,
        value: (cell) => (cell === null ? null : valueOfSavedCell(declared.type, cell)),
      },
    ]
  }

  /** The declared state that a column has. */
  #declared(part: string, column: string): { readonly name: string; readonly type: DataType } | undefined {
    if (this.#about?.kind !== 'process') return undefined
    const named = /^(?:list|map):([^]*)$/.exec(part)?.[1]
    const states = this.#about.state
    if (named === undefined) {
      if (part !== 'values') return undefined
      return states.find((state) => state.kind === 'value' && column.replace(/^\/+/, '') === savedName(state))
    }
    const state = states.find(({ name }) => name === named)
    if (state === undefined) return undefined
    if (/^\/+value( |$)/.test(column)) return { name: '/value', type: state.type }
    if (/^\/+key( |$)/.test(column) && state.keyType !== undefined)
      return { name: '/key', type: state.keyType }
    return undefined
  }
}

interface ReadColumn {
  readonly field: Field
  readonly from: string
  readonly value: (cell: unknown) => unknown
}

function savedName({ name, type }: StateDeclaration): string {
  return `${name}${savedTypeNote(type)}`
}

/** Timers for the end of the input lie beyond any date. */
function instantOf(time: unknown): unknown {
  return Math.min(Number(time), 8.64e15)
}

function identityOf(row: StateRow, columns: readonly string[]): string {
  return JSON.stringify(columns.map((name) => idText(row[name])))
}

function idText(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  return typeof value === 'number' ? String(value) : value
}

function removeKey(kept: Map<string, StateRow>, key: string): void {
  const start = `${key.slice(0, -1)}${key === '[]' ? '' : ','}`
  for (const id of kept.keys()) if (id.startsWith(start)) kept.delete(id)
}

/** The furthest that any task has come. */
function furthest(rows: ReadonlyMap<string, StateRow>, name: string): number {
  return Math.max(-Infinity, ...Array.from(rows.values(), (row) => Number(row[name] ?? -Infinity)))
}

/** The end of the last window that a pane belongs to. */
function lastEndOf(pane: number, spec: Extract<StepMeaning, { kind: 'window-aggregate' }>['spec']): number {
  if (spec.kind === 'tumbling') return pane + spec.sizeMs
  if (spec.kind !== 'sliding') return Infinity
  return Math.floor((pane - spec.offsetMs) / spec.slideMs) * spec.slideMs + spec.offsetMs + spec.sizeMs
}
