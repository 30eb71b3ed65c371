/**
 * Whether a program can go on with state that was kept, table by table, and what has to be done with each column.
 * Pure: files are read and rows converted elsewhere (restore.ts, state-conversion.ts).
 *
 * Invariants (tests quote them):
 *  FT1  Nothing is lost in silence: state that has no place in the program is a misfit, and is left out only of steps that
 *       were named (`dropState`). What fits is never dropped, so the same wish may be given with every start.
 *  FT2  What a value means does not change unseen: another key, window, aggregate, or type that is not wider, is a misfit,
 *       unless a migration says how old values become new ones.
 *  FT3  The order of columns, states and steps means nothing. New steps and states begin empty.
 *  FT4  What is to be read anew is left out as a whole, whether it fits or not.
 */
import type { DataType } from '../data/index.ts'
import type { StatePart } from '../checkpoint/index.ts'
import type { Source } from '../connect/source.ts'
import type { AggregateMeaning, KeyMeaning, StepMeaning } from '../plan/step-meaning.ts'
import { fitProcess } from './process-fit.ts'
import { fitColumns, fitKeys, generalRule } from './column-fit.ts'
import type { InputFit } from './input-fit.ts'
import type { ColumnFit, ColumnRule, Misfit, StateChange, Verdicts } from './column-fit.ts'

/** The tables of a step, and what they mean; undefined: who wrote them did not say. */
export interface StepTables {
  readonly about: StepMeaning | undefined
  readonly parts: readonly StatePart[]
}

/** How values of a state of another type become those of the next version of it, or of the program. */
export interface StateMigration {
  readonly from: DataType
  readonly with: (old: unknown) => unknown
}

/** A step of the program. */
export interface ProgramStep extends StepTables {
  /** By name of the state: from one version to the next, the oldest first. */
  readonly migrations?: ReadonlyMap<string, readonly StateMigration[]>
  /** Of a source. */
  readonly source?: Pick<Source, 'goesOnWith'> | undefined
}

/** A file of a checkpoint. */
export interface KeptTables extends StepTables {
  readonly step: string
}

/** What becomes of one table. */
export interface PartFit {
  /** The table as the program has it. */
  readonly part: StatePart
  /** One for each column of it; undefined: the rows fit as they are. */
  readonly columns: readonly ColumnFit[] | undefined
}

/** What becomes of one file: its tables by name. Those that are not there are left out. */
export type TableFits = ReadonlyMap<string, PartFit>

/** A step of the checkpoint, of the program or of both. */
export interface StepFit {
  readonly step: string
  /**
   * `converts`: something of it changes; `begins`: there is nothing kept of it; `anew`: read anew, as asked; `misfits`: the
   * program cannot go on with it, and a start is refused.
   */
  readonly verdict: 'keeps' | 'converts' | 'begins' | 'drops' | 'anew' | 'misfits'
  readonly changes: readonly StateChange[]
}

/** How a program and a checkpoint fit. */
export interface StateFit {
  /** The same order as the files that were given. */
  readonly files: readonly TableFits[]
  readonly steps: readonly StepFit[]
  /** Empty: the program can go on. */
  readonly misfits: readonly Misfit[]
  /** Sources that read from their beginning what was read before, since their positions are given up. */
  readonly readsAgain: readonly string[]
}

/** Decides it. */
export function decideStateFit(
  kept: readonly KeptTables[],
  program: ReadonlyMap<string, ProgramStep>,
  dropState: ReadonlySet<string>,
  inputs: ReadonlyMap<string, InputFit> = new Map(),
  anew: ReadonlySet<string> = new Set(),
): StateFit {
  const known = new Set(kept.map(({ step }) => step))
  const fits = kept.map((file) => ({
    step: file.step,
    ...(anew.has(file.step)
      ? leftOut
      : fitFile(file, program.get(file.step), {
          dropState,
          input: inputs.get(file.step),
          successors: newOfKind(file.about?.kind, program, known),
        })),
  }))
  const steps = new Set([...known, ...program.keys()])
  return {
    files: fits.map(({ tables }) => tables),
    steps: Array.from(steps, (step) => {
      const own = fits.filter((fit) => fit.step === step)
      if (anew.has(step) && own.length > 0) return { step, verdict: 'anew', changes: [] }
      return stepFit(step, own, program.has(step))
    }),
    misfits: unlike(fits.flatMap(({ misfits }) => misfits)),
    readsAgain: [...readAgain(kept, fits, program)],
  }
}

/** Steps of the program that nothing is kept of, of one kind. */
function newOfKind(
  kind: StepMeaning['kind'] | undefined,
  program: ReadonlyMap<string, ProgramStep>,
  known: ReadonlySet<string>,
): readonly string[] {
  if (kind === undefined) return []
  return [...program].flatMap(([step, { about }]) => (!known.has(step) && about?.kind === kind ? [step] : []))
}

/** Sources whose positions are given up; and new ones, when those of a source that is gone are: it may have been renamed. */
function readAgain(
  kept: readonly KeptTables[],
  fits: readonly FileFit[],
  program: ReadonlyMap<string, ProgramStep>,
): ReadonlySet<string> {
  const known = new Set(kept.map(({ step }) => step))
  return new Set(
    kept.flatMap(({ step, about }, at) => {
      const fit = fits[at]
      if (about?.kind !== 'source' || fit === undefined || !fit.isDropped || fit === leftOut) return []
      if (fit.misfits.length > 0) return []
      return program.has(step) ? [step] : newOfKind('source', program, known)
    }),
  )
}

interface FileFit {
  readonly tables: TableFits
  readonly changes: readonly StateChange[]
  readonly misfits: readonly Misfit[]
  readonly isDropped: boolean
}

const leftOut: FileFit = { tables: new Map(), changes: [], misfits: [], isDropped: true }

function stepFit(step: string, files: readonly FileFit[], isInProgram: boolean): StepFit {
  const changes = unlike(files.flatMap((file) => file.changes))
  if (files.length === 0) return { step, verdict: 'begins', changes }
  if (files.some(({ misfits }) => misfits.length > 0)) return { step, verdict: 'misfits', changes: [] }
  if (!isInProgram || files.every(({ isDropped }) => isDropped)) return { step, verdict: 'drops', changes }
  return { step, verdict: changes.length > 0 ? 'converts' : 'keeps', changes }
}

interface FileWishes {
  readonly dropState: ReadonlySet<string>
  readonly input: InputFit | undefined
  /** New steps of the kind of the file's. */
  readonly successors: readonly string[]
}

function fitFile(
  file: KeptTables,
  program: ProgramStep | undefined,
  { dropState, input, successors }: FileWishes,
): FileFit {
  const { step, about, parts } = file
  const whole =
    program === undefined
      ? [goneStep(file, successors)]
      : [...stepMisfits(step, about, program.about), ...(input?.misfit === undefined ? [] : [input.misfit])]
  const mayDrop = dropState.has(step)
  if (whole.length > 0 || program === undefined) {
    return { tables: new Map(), changes: [], misfits: mayDrop ? [] : whole, isDropped: true }
  }
  const changes = input?.change === undefined ? [] : [input.change]
  const verdicts: Verdicts = { step, mayDrop, changes, misfits: [] }
  const tables = new Map<string, PartFit>()
  for (const part of parts) {
    const fit = fitPart(part, { about, parts }, program, verdicts)
    if (fit !== undefined) tables.set(part.name, fit)
  }
  // Of a step that may be given up, what cannot be told apart goes as a whole.
  if (mayDrop && verdicts.misfits.length > 0)
    return { tables: new Map(), changes: [], misfits: [], isDropped: true }
  gains({ about, parts }, program, verdicts)
  return { tables, changes: verdicts.changes, misfits: verdicts.misfits, isDropped: false }
}

function goneStep({ step, about }: KeptTables, successors: readonly string[]): Misfit {
  return {
    step,
    case: 'gone-step',
    what: 'the pipeline has no such step that keeps state',
    ...(about?.kind === 'source' ? { isSource: true } : {}),
    ...(successors.length === 0 ? {} : { successors }),
  }
}

/** What makes all state of a step something else (FT2). */
function stepMisfits(
  step: string,
  before: StepMeaning | undefined,
  after: StepMeaning | undefined,
): readonly Misfit[] {
  if (before === undefined || after === undefined) return []
  if (before.kind !== after.kind)
    return [
      { step, case: 'step', what: 'it is a step of another kind', before: before.kind, after: after.kind },
    ]
  if (before.kind === 'source' && after.kind === 'source') {
    return [
      ...changed(step, 'its connector', before.connector, after.connector),
      ...changed(step, 'its event time', before.eventTime ?? 'none', after.eventTime ?? 'none'),
    ].map((misfit) => ({ ...misfit, case: 'source', isSource: true }))
  }
  if (before.kind === 'lookup-join' && after.kind === 'lookup-join') return []
  if (!('keys' in before) || !('keys' in after)) return []
  const keys = keyMisfits(step, before.keys, after.keys)
  if (before.kind === 'interval-join' && after.kind === 'interval-join') {
    return [
      ...keys,
      ...keyMisfits(step, before.rightKeys, after.rightKeys),
      ...changed(step, 'its kind of join', before.join, after.join),
      ...changed(step, 'its bounds', before.bounds, after.bounds),
    ]
  }
  return before.kind === 'window-aggregate' && after.kind === 'window-aggregate'
    ? [...keys, ...changed(step, 'its windows', before.window, after.window)]
    : keys
}

function changed(step: string, what: string, before: string, after: string): readonly Misfit[] {
  return before === after ? [] : [{ step, case: 'step', what: `${what} changed`, before, after }]
}

function keyMisfits(
  step: string,
  before: readonly KeyMeaning[],
  after: readonly KeyMeaning[],
): readonly Misfit[] {
  const names = (keys: readonly KeyMeaning[]): string =>
    keys
      .map(({ name }) => name)
      .toSorted()
      .join(', ')
  if (names(before) !== names(after)) {
    const shown = (keys: readonly KeyMeaning[]): string =>
      keys.length === 0 ? 'none' : keys.map(({ name }) => name).join(', ')
    return changed(step, 'its key', shown(before), shown(after))
  }
  return before.flatMap(({ name, of }) => {
    const now = after.find((key) => key.name === name)
    return now === undefined || now.of.join() === of.join()
      ? []
      : [{ step, case: 'step', what: `its key "${name}" is computed from something else than before` }]
  })
}

function fitPart(
  part: StatePart,
  kept: StepTables,
  program: ProgramStep,
  verdicts: Verdicts,
): PartFit | undefined {
  const { about } = program
  if (about?.kind === 'process' && kept.about?.kind === 'process')
    return fitProcess(part, { before: kept.about.state, after: about.state, program }, verdicts)
  const now = program.parts.find(({ name }) => name === part.name)
  if (now === undefined) {
    verdicts.misfits.push({ step: verdicts.step, what: `its table "${part.name}" has no place in the step` })
    return undefined
  }
  const keys = fitKeys(part, now, keysOf(about, part.name), verdicts)
  const rule = ruleFor(about, kept.about, verdicts)
  return fitColumns(part, now, { keys, rule }, verdicts)
}

/** The keys of a table of a step. */
function keysOf(about: StepMeaning | undefined, part: string): readonly KeyMeaning[] {
  if (about?.kind === 'interval-join' && part === 'right') return about.rightKeys
  return about !== undefined && 'keys' in about ? about.keys : []
}

function ruleFor(
  about: StepMeaning | undefined,
  before: StepMeaning | undefined,
  verdicts: Verdicts,
): ColumnRule {
  if (about?.kind === 'window-aggregate' && before?.kind === 'window-aggregate')
    return aggregateRule(before.aggregates, about.aggregates, verdicts)
  // The table of a join is a copy of rows that were read: columns that nobody reads any more are no loss.
  return generalRule(verdicts, { mayLeave: about?.kind === 'lookup-join' })
}

/** Columns of accumulators belong to the aggregate in front of their first slash. */
function aggregateRule(
  before: readonly AggregateMeaning[],
  after: readonly AggregateMeaning[],
  verdicts: Verdicts,
): ColumnRule {
  const { step, mayDrop, misfits, changes } = verdicts
  const general = generalRule(verdicts)
  const ownerOf = (column: string, all: readonly AggregateMeaning[]): AggregateMeaning | undefined =>
    all.find(({ name }) => column.startsWith(`${name}/`))
  const lost = new Set<string>()
  for (const old of before) {
    const now = after.find(({ name }) => name === old.name)
    if (now?.id === old.id) continue
    lost.add(old.name)
    if (mayDrop) changes.push({ kind: 'drops', state: old.name })
    else if (now === undefined)
      misfits.push({
        step,
        state: old.name,
        case: 'aggregate',
        what: `its aggregate "${old.name}" is not there any more`,
      })
    else
      misfits.push({
        step,
        state: old.name,
        case: 'aggregate',
        what: `its aggregate "${old.name}" computes something else${old.text === now.text ? ' than before' : ''}`,
        ...(old.text === now.text ? {} : { before: old.text, after: now.text }),
      })
  }
  return {
    source: (column, kept) => {
      const owner = ownerOf(column.name, after)
      if (owner === undefined) return general.source(column, kept)
      // New ones are cells without a value: the step makes empty accumulators of them.
      if (lost.has(owner.name) || !before.some(({ name }) => name === owner.name))
        return { kind: 'fill', with: 'default' }
      const from = kept.findIndex(({ name }) => name === column.name)
      if (from >= 0) return general.source(column, kept)
      // The further parts of an extreme are 0 where one part was enough (engine/aggregates/extreme.ts).
      if (/\/(second|third)/.test(column.name)) return { kind: 'fill', with: 0 }
      const ownPart = (name: string): string => name.slice(owner.name.length + 1)
      const kin = kept.find(({ name }) => name.startsWith(`${owner.name}/`))
      if (kin !== undefined)
        misfits.push({
          step,
          state: owner.name,
          case: 'aggregate',
          what: `its aggregate "${owner.name}" keeps values of other types`,
          before: ownPart(kin.name),
          after: ownPart(column.name),
        })
      return undefined
    },
    isLeft: (column) => {
      const owner = ownerOf(column.name, before)
      return owner !== undefined && lost.has(owner.name)
    },
    takesDefaults: false,
  }
}

/** Says what begins empty in a step that goes on (FT3). */
function gains(kept: StepTables, { about }: ProgramStep, { changes }: Verdicts): void {
  if (about === undefined || kept.about === undefined) return
  const names = (meaning: StepMeaning): readonly string[] => {
    if (meaning.kind === 'process') return meaning.state.map(({ name }) => name)
    return meaning.kind === 'window-aggregate' ? meaning.aggregates.map(({ name }) => name) : []
  }
  const before = new Set(names(kept.about))
  for (const name of names(about)) if (!before.has(name)) changes.push({ kind: 'gains', state: name })
}

function unlike<Item>(items: readonly Item[]): readonly Item[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()]
}
