/**
 * Generated steps: one of those that a drawn stream can take.
 */
import { sameType } from '../../data/index.ts'
import type { Field, Schema } from '../../data/index.ts'
import type { WindowSpec } from '../../plan/index.ts'
import type { AggregateCase, ColumnsCase, FunctionCase, StepCase, StepKind } from './description.ts'
import type { Dice } from './dice.ts'
import { additions, expansions, filters } from './functions.ts'
import type { LateCase } from './generate.ts'
import { drawAggregates } from './generate-aggregates.ts'
import { Expressions, quoted } from './generate-expressions.ts'
import { ID, keyColumns } from './generate-source.ts'
import type { TimeScale } from './generate-source.ts'
import { INEXACT, isInexact } from './generate-values.ts'
import { processes } from './processes.ts'

/** A stream that steps can be put behind. */
export interface DrawnStream {
  readonly name: string
  readonly schema: Schema
  readonly isTimed: boolean
  /** Only for tables of lookup joins. */
  readonly isTable: boolean
  /** The place in a source does not tell rows of one time apart. */
  readonly hasTies: boolean
  /** Rows may take others back. */
  readonly hasChanges: boolean
  /** Its rows may come behind the watermark. */
  readonly mayBeLate: boolean
  /** Its rows have the times of timers at the end of all time: no timer comes behind them. */
  readonly isAtEnd: boolean
  /** Steps that take it. */
  readonly uses: number
}

/** A step, and what is new of the stream that it makes. */
export interface DrawnStep {
  readonly step: StepCase
  readonly stream: Partial<DrawnStream>
}

/** What the whole pipeline says to its steps. */
export interface StepOptions {
  /** Of this step: makes its name. */
  readonly number: number
  readonly scale: TimeScale
  readonly late: LateCase
}

/** Kinds of steps as often as they are drawn. */
const kinds: readonly StepKind[] = [
  'aggregate', 'where', 'extend', 'process', 'lookup-join', 'aggregate', 'with', 'flat-map', 'union', 'select',
  'aggregate', 'filter', 'process', 'map', 'omit', 'rename', 'not-null', 'aggregate', 'lookup-join', 'extend', 'interval-join',
] // prettier-ignore

/** Kinds that are tried for one step. */
const TRIES_MAX = 4

/** Draws a step; none where no drawn kind fits. */
export function drawStep(
  dice: Dice,
  streams: readonly DrawnStream[],
  options: StepOptions,
): DrawnStep | undefined {
  // Mostly what was made last, so that steps stand behind each other.
  const newest = streams.toReversed()
  const hasTable = streams.some(({ isTable }) => isTable)
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const input = dice.chance(3)
      ? dice.one(newest)
      : newest.find(({ isTable, name }) => !isTable && !name.endsWith('-why'))
    if (input === undefined) continue
    const kind = hasTable && dice.chance(6) ? 'lookup-join' : dice.one(kinds)
    const made = new StepDraft(dice, input, { ...options, streams }).draw(kind)
    if (made !== undefined || dice.isEmpty) return made
  }
  return undefined
}

class StepDraft {
  readonly #dice: Dice
  readonly #input: DrawnStream
  readonly #options: StepOptions & { readonly streams: readonly DrawnStream[] }
  readonly #expressions: Expressions
  readonly #name: string
  #columns = 0

  constructor(
    dice: Dice,
    input: DrawnStream,
    options: StepOptions & { readonly streams: readonly DrawnStream[] },
  ) {
    this.#dice = dice
    this.#input = input
    this.#options = options
    this.#expressions = new Expressions(dice, input.schema)
    this.#name = `s${options.number}`
  }

  draw(kind: StepKind): DrawnStep | undefined {
    const { isTable, hasChanges } = this.#input
    const isTransform = ['where', 'extend', 'select', 'omit', 'rename', 'not-null'].includes(kind)
    if (hasChanges && !isTransform) return undefined
    if (isTable && !isTransform && kind !== 'aggregate') return undefined
    switch (kind) {
      case 'aggregate':
        return this.#aggregate()
      case 'process':
        return this.#process()
      case 'lookup-join':
        return this.#lookupJoin()
      case 'interval-join':
        return this.#intervalJoin()
      case 'union':
        return this.#union()
      case 'filter':
      case 'with':
      case 'map':
      case 'flat-map':
        return this.#function(kind)
      default:
        return this.#transform(kind)
    }
  }

  get #base(): { readonly name: string; readonly input: string } {
    return { name: this.#name, input: this.#input.name }
  }

  /** What a step that looks at one row at a time leaves as it is. */
  get #same(): Partial<DrawnStream> {
    const { isTimed, isTable, hasTies, hasChanges, mayBeLate, isAtEnd } = this.#input
    return { isTimed, isTable, hasTies, hasChanges, mayBeLate, isAtEnd }
  }

  #fresh(prefix: string): string {
    return `${prefix}${this.#options.number}${'abcdefgh'[this.#columns++] ?? ''}`
  }

  /** Whether rows have to be found again by their id, which then stays. */
  get #needsId(): boolean {
    return this.#input.mayBeLate && this.#options.late === 'several-splits'
  }

  /** Columns that a function may look at closely. */
  get #exact(): readonly string[] {
    return this.#input.schema.fields.map(({ name }) => name).filter((name) => !isInexact(name))
  }

  #isKept({ name }: Field): boolean {
    return this.#needsId && name === ID
  }

  #transform(kind: 'where' | 'extend' | 'select' | 'omit' | 'rename' | 'not-null'): DrawnStep | undefined {
    const { fields } = this.#input.schema
    const dice = this.#dice
    const stream = this.#same
    switch (kind) {
      case 'where':
        return { step: { ...this.#base, kind, condition: this.#expressions.condition() }, stream }
      case 'extend':
        return { step: { ...this.#base, kind, columns: this.#newColumns() }, stream }
      case 'select': {
        const kept = fields.filter((field) => this.#isKept(field) || dice.chance(2))
        const old = Object.fromEntries(kept.map(({ name }) => [name, quoted(name)]))
        return { step: { ...this.#base, kind, columns: { ...this.#newColumns(), ...old } }, stream }
      }
      case 'omit': {
        const gone = fields.filter((field) => !this.#isKept(field) && dice.chance(3)).map(({ name }) => name)
        if (gone.length === 0 || gone.length === fields.length) return undefined
        return { step: { ...this.#base, kind, columns: gone }, stream }
      }
      case 'rename': {
        const field = dice.one(fields)
        if (this.#isKept(field) || isInexact(field.name)) return undefined
        return { step: { ...this.#base, kind, columns: { [field.name]: this.#fresh('n') } }, stream }
      }
      case 'not-null':
        return { step: { ...this.#base, kind, columns: dice.some(fields.map(({ name }) => name)) }, stream }
    }
  }

  #newColumns(): ColumnsCase {
    return Object.fromEntries(
      Array.from({ length: 1 + this.#dice.below(2) }, () => [this.#fresh('e'), this.#expressions.any()]),
    )
  }

  #function(kind: 'filter' | 'with' | 'map' | 'flat-map'): DrawnStep | undefined {
    // Copies of a row have its id: they would not be told apart.
    if (kind === 'flat-map' && this.#needsId) return undefined
    const { fields } = this.#input.schema
    const dice = this.#dice
    const tables = { filter: filters, with: additions, map: expansions, 'flat-map': expansions }
    const fns = Object.keys(tables[kind]).filter((fn) => kind !== 'map' || fn === 'one with a text')
    const names = fields.map(({ name }) => name)
    const keep = dice.some(names)
    const id = this.#needsId && !keep.includes(ID) ? [ID] : []
    const call: FunctionCase = {
      fn: dice.one(fns),
      columns: dice.some(this.#exact),
      settings:
        kind === 'filter' || kind === 'with' ? {} : { keep: [...keep, ...id], throws: dice.chance(2) },
    }
    const throws = call.fn === 'throws for some' || call.settings['throws'] === true
    const onError = throws ? 'reject' : 'fail'
    return { step: { ...this.#base, kind, onError, ...call }, stream: this.#same }
  }

  #union(): DrawnStep | undefined {
    const input = this.#input
    const { fields } = input.schema
    const others = this.#options.streams.filter(
      ({ schema, isTable, hasChanges }) =>
        !isTable &&
        !hasChanges &&
        schema.fields.length === fields.length &&
        schema.fields.every((field, at) => {
          const mine = fields[at] as Field
          return field.name === mine.name && sameType(field.type, mine.type)
        }),
    )
    const other = this.#dice.one(others)
    if (other === undefined) return undefined
    // Ids of two sources are not different.
    if (input.mayBeLate || other.mayBeLate) return undefined
    return {
      step: { ...this.#base, kind: 'union', others: [other.name] },
      stream: {
        isTimed: input.isTimed && other.isTimed,
        hasTies: input.hasTies || other.hasTies,
        isAtEnd: input.isAtEnd || other.isAtEnd,
      },
    }
  }

  #keys(most: number): ColumnsCase {
    const dice = this.#dice
    const candidates = keyColumns(this.#input.schema.fields)
    const keys: { [name: string]: string } = {}
    for (let left = most - dice.below(2); left > 0; left--) {
      const field = dice.one(candidates)
      if (field === undefined || dice.chance(5)) {
        keys[this.#fresh('k')] = this.#expressions.of(
          dice.one(['whole', 'text', 'truth', 'moment', 'float']),
          1,
        )
        continue
      }
      keys[field.name.startsWith('window') ? this.#fresh('k') : field.name] = quoted(field.name)
    }
    return keys
  }

  #aggregate(): DrawnStep | undefined {
    const input = this.#input
    const dice = this.#dice
    const { late } = this.#options
    const window = this.#window()
    const keys = this.#keys(dice.below(4) === 3 ? 0 : 2)
    const mayFireAgain = late === 'one-split' && input.mayBeLate && window.kind !== 'global' && dice.chance(3)
    const allowedLatenessMs = mayFireAgain ? this.#options.scale.unitMs * (1 + dice.below(3)) : 0
    const aggregates: readonly AggregateCase[] = drawAggregates(dice, input, this.#options.number)
    return {
      step: { ...this.#base, kind: 'aggregate', keys, window, allowedLatenessMs, aggregates },
      stream: {
        isTimed: window.kind !== 'global',
        isTable: input.isTable,
        hasTies: true,
        hasChanges: allowedLatenessMs > 0,
        isAtEnd: input.isAtEnd,
      },
    }
  }

  #window(): WindowSpec {
    const dice = this.#dice
    const { unitMs } = this.#options.scale
    const input = this.#input
    if (!input.isTimed) return { kind: 'global' }
    const kind = this.#needsId ? 'tumbling' : dice.one(['tumbling', 'sliding', 'session', 'tumbling', 'sliding', 'session', 'global'] as const) // prettier-ignore
    const size = dice.one([2, 1, 3, 5, 10])
    const offsetMs = dice.chance(4) ? dice.one([unitMs, 1, 7 * unitMs]) : 0
    switch (kind) {
      case 'tumbling':
        return { kind, sizeMs: size * unitMs, offsetMs }
      case 'sliding':
        return { kind, sizeMs: size * unitMs, slideMs: dice.one([1, 2, 3, 7]) * unitMs, offsetMs }
      case 'session':
        return { kind, gapMs: size * unitMs }
      case 'global':
        return { kind }
    }
  }

  #process(): DrawnStep | undefined {
    const input = this.#input
    // With late rows it depends on the mode what a timer has seen.
    if (this.#options.late !== 'none') return undefined
    const dice = this.#dice
    const mayWait = input.isTimed && !input.isAtEnd
    const fn = dice.one(
      Object.keys(processes).filter((name) => mayWait || processes[name]?.needsTime === false),
    )
    const keys = this.#keys(2)
    if (Object.keys(keys).length === 0) return undefined
    const columns = dice.some(this.#exact)
    const sizeMs = dice.one([2, 1, 3, 7]) * this.#options.scale.unitMs
    return {
      step: { ...this.#base, kind: 'process', keys, fn, columns, settings: { sizeMs } },
      stream: {
        isTimed: input.isTimed,
        hasTies: true,
        isAtEnd: input.isAtEnd || fn === 'counts until the end',
      },
    }
  }

  #intervalJoin(): DrawnStep | undefined {
    const dice = this.#dice
    const input = this.#input
    // With late rows it depends on the mode what has found a partner.
    if (this.#options.late !== 'none' || !input.isTimed || input.isAtEnd) return undefined
    const fitting = this.#options.streams.filter(
      ({ isTable, isTimed, hasChanges, isAtEnd }) => isTimed && !isTable && !hasChanges && !isAtEnd,
    )
    const other = dice.one(fitting)
    if (other === undefined) return undefined
    const pair = dice.one(pairsOf(input.schema, other.schema))
    if (pair === undefined) return undefined
    const names = other.schema.fields.map(({ name }) => name)
    const taken = dice.some(names).slice(0, 4)
    const select = Object.fromEntries(
      taken.map((column) => [this.#fresh(isInexact(column) ? INEXACT : 'j'), column]),
    )
    const { unitMs } = this.#options.scale
    const from = dice.one([-1, 0, -3, 1, -10]) * unitMs
    const join = dice.one(['inner', 'left', 'full', 'right', 'semi', 'anti'] as const)
    const condition = dice.chance(4) ? { condition: this.#expressions.condition() } : {}
    return {
      step: {
        ...this.#base,
        kind: 'interval-join',
        other: other.name,
        join,
        on: { [pair[0]]: pair[1] },
        withinMs: [from, from + dice.one([2, 0, 1, 5]) * unitMs],
        select,
        ...condition,
      },
      stream: { isTimed: true, hasTies: true },
    }
  }

  #lookupJoin(): DrawnStep | undefined {
    const dice = this.#dice
    const tables = this.#options.streams.filter(({ isTable }) => isTable)
    const table = dice.one(tables.toReversed())
    if (table === undefined) return undefined
    const pairs = pairsOf(this.#input.schema, table.schema)
    const pair = dice.one(pairs)
    if (pair === undefined) return undefined
    const taken = dice.some(table.schema.fields.map(({ name }) => name)).slice(0, 4)
    const { isTimed, mayBeLate, isAtEnd } = this.#input
    if (this.#needsId) return undefined
    return {
      step: {
        ...this.#base,
        kind: 'lookup-join',
        table: table.name,
        join: dice.one(['left', 'inner']),
        on: { [pair[0]]: pair[1] },
        select: Object.fromEntries(
          taken.map((column) => [this.#fresh(isInexact(column) ? INEXACT : 'j'), column]),
        ),
      },
      stream: { isTimed, hasTies: true, mayBeLate, isAtEnd },
    }
  }
}

/** Columns of one type on both sides. */
function pairsOf(left: Schema, right: Schema): readonly (readonly [string, string])[] {
  return keyColumns(left.fields).flatMap((mine) =>
    keyColumns(right.fields)
      .filter(({ type }) => sameType(type, mine.type))
      .map((theirs) => [mine.name, theirs.name] as const),
  )
}
