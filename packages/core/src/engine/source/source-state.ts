/**
 * The state of a source step as tables: which splits are not read to their end and where each stands, what the
 * enumerator remembers, and how far event time has come.
 *
 * What grows with the input is written when it changes, never whole with every epoch: a split that has ended leaves a
 * mark that it is gone, and then nothing. Tables (docs/internals/checkpoints.md):
 *
 *   splits      one row per split that was found and has not ended
 *   remembered  the entries that enumerators hand out beside splits
 *   tasks       per task the marks of its frontier
 *   discovery   one row: splits found so far, and whether more can come
 *
 * Later rows replace earlier ones of the same split, entry or task.
 */
import type { GroupRange, StatePart, StateRows } from '../../checkpoint/state-file.ts'
import type { Split } from '../../connect/source.ts'
import { batchOfRows, batchToRows, schema, t } from '../../data/index.ts'
import type { Batch, Json, RowOf, Schema } from '../../data/index.ts'
import type { FrontierMarks } from './split-frontier.ts'
import type { SplitStart } from './split-run.ts'

const splitsSchema = schema({
  id: t.string(),
  /** The place in the order of discovery. */
  number: t.float64(),
  split: t.json(),
  /** In a list of one, since it may itself be null; null: at the beginning. */
  position: t.json().nullable(),
  rows: t.float64(),
  watermark: t.float64(),
  idle: t.boolean(),
  /** The split has ended: earlier rows of it do not count. */
  gone: t.boolean(),
})

const rememberedSchema = schema({
  key: t.string(),
  /** In a list of one; null: the entry is gone. */
  value: t.json().nullable(),
})

const tasksSchema = schema({
  task: t.int32(),
  /** Tasks there were: nobody reads it, and it stays, since a start would refuse states that have it. */
  tasks: t.int32(),
  current: t.float64(),
  highest_ended: t.float64(),
})

const discoverySchema = schema({ splits: t.float64(), done: t.boolean() })

const schemas: { readonly [part: string]: Schema } = {
  splits: splitsSchema,
  remembered: rememberedSchema,
  tasks: tasksSchema,
  discovery: discoverySchema,
}

/** The tables of every source step. */
export const sourceParts: readonly StatePart[] = Object.entries(schemas).map(([name, of]) => ({
  name,
  schema: of,
}))

/** A split as it is kept. */
export interface KeptSplit extends SplitStart {
  readonly split: Split
  readonly number: number
}

/** What a source step writes down of itself. */
export interface SourceNotes {
  readonly splits: readonly KeptSplit[]
  /** Splits that have ended. */
  readonly gone: readonly string[]
  readonly remembered: ReadonlyMap<string, Json | undefined>
  /** Undefined: as before. */
  readonly standing: SourceStanding | undefined
}

/** How far a source step has come, apart from its splits. */
export interface SourceStanding {
  /** By task. */
  readonly marks: readonly FrontierMarks[]
  /** Splits found so far. */
  readonly discovered: number
  readonly discoveryDone: boolean
}

/** The notes as rows of the tables. */
export function sourceRows(notes: SourceNotes, groups: GroupRange): readonly StateRows[] {
  const kept = notes.splits.map(({ split, number, position, rowsRead, watermark, isIdle }) => ({
    id: split.id,
    number,
    split: { ...split } as unknown as Json,
    position: wrapped(position),
    rows: rowsRead,
    watermark,
    idle: isIdle,
    gone: false,
  }))
  const gone = notes.gone.map((id) => ({ ...noSplit, id }))
  const remembered = Array.from(notes.remembered, ([key, value]) => ({
    key,
    value: wrapped(value),
  }))
  const tasks = (notes.standing?.marks ?? []).map(({ current, highestEnded }, task, { length }) => ({
    task,
    tasks: length,
    current,
    highest_ended: highestEnded,
  }))
  const discovery = notes.standing === undefined ? [] : [standingRow(notes.standing)]
  const rowsOfPart = (part: string, schema: Schema, rows: readonly object[]): readonly StateRows[] =>
    // Of most epochs most parts have nothing.
    rows.length === 0 ? [] : [{ part, groups, batch: batchOfRows(schema, rows) }]
  return [
    ...rowsOfPart('splits', splitsSchema, [...kept, ...gone]),
    ...rowsOfPart('remembered', rememberedSchema, remembered),
    ...rowsOfPart('tasks', tasksSchema, tasks),
    ...rowsOfPart('discovery', discoverySchema, discovery),
  ]
}

function standingRow({ discovered, discoveryDone }: SourceStanding): RowOf<typeof discoverySchema> {
  return { splits: discovered, done: discoveryDone }
}

const noSplit = {
  number: 0,
  split: null,
  position: null,
  rows: 0,
  watermark: -Infinity,
  idle: false,
  gone: true,
}

/** The tables of an earlier run, row by row as they come back. */
export class RestoredSource {
  readonly remembered: Map<string, Json> = new Map()
  discovered = 0
  discoveryDone = false
  readonly #splits = new Map<string, KeptSplit>()
  #marks: readonly FrontierMarks[] = []

  /** What was not read to its end, in the order of discovery. */
  get splits(): readonly KeptSplit[] {
    return [...this.#splits.values()].toSorted((left, right) => left.number - right.number)
  }

  /**
   * The marks of a task. At another parallelism the lowest watermark of the tasks that were not idle holds for each. What
   * followed them keeps its own, and never goes back.
   */
  marksOf(task: number, tasks: number): FrontierMarks {
    const own = this.#marks[task]
    if (this.#marks.length === tasks && own !== undefined) return own
    const [all, active] = [new Set<number>(), new Set<number>()]
    for (const { number, isIdle } of this.#splits.values()) {
      all.add(number % this.#marks.length)
      if (!isIdle) active.add(number % this.#marks.length)
    }
    const currents = this.#marks.map(({ current }) => current)
    // Tasks without splits stand where the source does (SO4), or wait for one that is coming; idle ones say nothing.
    const saying = currents.filter((_, at) => active.has(at) || !all.has(at))
    const holding = saying.length > 0 ? saying : currents
    return {
      current: holding.length === 0 ? -Infinity : Math.min(...holding),
      highestEnded: Math.max(...this.#marks.map(({ highestEnded }) => highestEnded)),
    }
  }

  take({ part, batch }: StateRows): void {
    switch (part) {
      case 'splits':
        for (const row of rowsOf(batch, splitsSchema)) this.#takeSplit(row)
        break
      case 'remembered':
        for (const { key, value } of rowsOf(batch, rememberedSchema)) {
          if (value === null) this.remembered.delete(key)
          else this.remembered.set(key, unwrapped(value))
        }
        break
      case 'tasks':
        this.#marks = rowsOf(batch, tasksSchema)
          .toSorted((left, right) => left.task - right.task)
          .map(({ current, highest_ended: highestEnded }) => ({ current, highestEnded }))
        break
      case 'discovery':
        for (const { splits, done } of rowsOf(batch, discoverySchema)) {
          this.discovered = splits
          this.discoveryDone = done
        }
        break
    }
  }

  #takeSplit(row: RowOf<typeof splitsSchema>): void {
    const { id, number, split, position, rows, watermark, idle, gone } = row
    if (gone) {
      this.#splits.delete(id)
      return
    }
    this.#splits.set(id, {
      split: split as unknown as Split,
      number,
      position: position === null ? undefined : unwrapped(position),
      rowsRead: rows,
      watermark,
      isIdle: idle,
    })
  }
}

function rowsOf<Row>(batch: Batch, _schema: Schema<Row>): readonly Row[] {
  return batchToRows(batch) as readonly Row[]
}

function wrapped(value: Json | undefined): Json {
  return value === undefined ? null : [value]
}

function unwrapped(value: Json): Json {
  return (value as readonly Json[])[0] as Json
}
