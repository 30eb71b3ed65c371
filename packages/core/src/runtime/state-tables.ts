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

/** Columns besides the key that tell rows of a table apart. */
const identities: { readonly [table: string]: readonly string[] } = {
  timers: ['/name'],
  panes: ['/pane'],
  sessions: ['/start'],
  splits: ['id'],
  remembered: ['key'],
  tasks: ['task'],
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
    for (const row of batchToRows(batch) as readonly StateRow[]) {
      const id = identityOf(row, columns)
      if (row['/removed'] === true || row['gone'] === true) {
        if (part.startsWith('list:')) removeKey(kept, identityOf(row, this.#keys))
        else kept.delete(id)
      } else kept.set(id, row)
    }
    if (part === 'progress') this.#dropBehind(progressOf(kept))
  }

  finish(): readonly StateTable[] {
    return Array.from(this.#parts.values(), (part) => {
      const rows = [...(this.#rows.get(part.name)?.values() ?? [])]
      const columns = part.schema.fields.flatMap((field) => this.#column(part.name, field))
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

  #identity(part: string, schema: Schema): readonly string[] {
    const keys = this.#hasKeys(schema) ? this.#keys : []
    const own = part.startsWith('list:')
      ? ['/at']
      : part.startsWith('map:')
        ? schema.fields.map(({ name }) => name).filter((name) => /^\/+key( |$)/.test(name))
        : (identities[part] ?? [])
    return [...keys, ...own.filter((name) => schema.fields.some((field) => field.name === name))]
  }

  /** Panes and sessions are not marked as gone: the progress of the step tells. */
  #dropBehind(droppedTo: number): void {
    if (this.#about?.kind !== 'window-aggregate') return
    const { spec } = this.#about
    for (const [id, row] of this.#rows.get('panes') ?? [])
      if (lastEndOf(Number(row['/pane']), spec) <= droppedTo) this.#rows.get('panes')?.delete(id)
    for (const [id, row] of this.#rows.get('sessions') ?? [])
      if (Number(row['/last']) < droppedTo) this.#rows.get('sessions')?.delete(id)
  }

  /** A column as people read it; none for those that only the engine needs. */
  #column(part: string, field: Field): readonly ReadColumn[] {
    const { name } = field
    if (name === '/removed' || name === '/order' || (part === 'splits' && name === 'gone')) return []
    const declared = this.#declared(part, name)
    const plain: ReadColumn = { field, from: name, value: (cell) => cell }
    if (part === 'timers' && name === '/time')
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

/** The furthest `droppedTo` of all tasks. */
function progressOf(rows: ReadonlyMap<string, StateRow>): number {
  return Math.max(-Infinity, ...Array.from(rows.values(), (row) => Number(row['droppedTo'] ?? -Infinity)))
}

/** The end of the last window that a pane belongs to. */
function lastEndOf(pane: number, spec: Extract<StepMeaning, { kind: 'window-aggregate' }>['spec']): number {
  if (spec.kind === 'tumbling') return pane + spec.sizeMs
  if (spec.kind !== 'sliding') return Infinity
  return Math.floor((pane - spec.offsetMs) / spec.slideMs) * spec.slideMs + spec.offsetMs + spec.sizeMs
}
