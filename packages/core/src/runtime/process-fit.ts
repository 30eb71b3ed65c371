/**
 * How the state that a `process` step declares becomes what another version of it declares. Pure; part of the decision
 * of state-fit.ts.
 *
 * Cells of snapshots are wide enough for all that a state takes, and their columns' names say what the columns' types leave
 * out (state-value.ts). So what counts are the declarations, which the file has beside its tables.
 */
import { typeToString, widensTo } from '../data/index.ts'
import type { DataType, Field } from '../data/index.ts'
import type { StatePart } from '../checkpoint/index.ts'
import type { StateDeclaration } from '../plan/logical.ts'
import { savedTypeNote } from '../state/index.ts'
import { fitColumns, fitKeys, generalRule, lacksOnlyDefaults } from './column-fit.ts'
import type { ColumnFit, ColumnRule, Verdicts } from './column-fit.ts'
import type { PartFit, ProgramStep, StateMigration } from './state-fit.ts'

/** What was declared, and what is. */
export interface Declarations {
  readonly before: readonly StateDeclaration[]
  readonly after: readonly StateDeclaration[]
  readonly program: ProgramStep
}

/** What becomes of one table; undefined: it is left out, or does not fit, which the verdicts say. */
export function fitProcess(
  part: StatePart,
  declarations: Declarations,
  verdicts: Verdicts,
): PartFit | undefined {
  const { program } = declarations
  const keyMeanings = program.about !== undefined && 'keys' in program.about ? program.about.keys : []
  const named = /^(list|map):([^]*)$/.exec(part.name)
  const owner = named === null ? undefined : declarations.before.find(({ name }) => name === named[2])
  if (owner !== undefined && !isStill(owner, declarations, verdicts)) return undefined
  const now = program.parts.find(({ name }) => name === part.name)
  if (now === undefined) {
    // Values of a step that declares none any more: each is told of by itself.
    if (part.name === 'values')
      for (const state of valuesOf(declarations)) isStill(state, declarations, verdicts)
    return undefined
  }
  if (owner !== undefined && verdicts.mayDrop && !canTake(owner, declarations)) {
    verdicts.changes.push({ kind: 'drops', state: owner.name }, { kind: 'gains', state: owner.name })
    return undefined
  }
  const keys = fitKeys(part, now, keyMeanings, verdicts)
  const rule =
    owner !== undefined
      ? entryRule(owner, declarations, verdicts)
      : part.name === 'values'
        ? valueRule(declarations, verdicts)
        : generalRule(verdicts)
  return fitColumns(part, now, { keys, rule }, verdicts)
}

/** Whether values and keys of a list or map can be taken over. */
function canTake(old: StateDeclaration, { after, program }: Declarations): boolean {
  const now = after.find(({ name }) => name === old.name) as StateDeclaration
  const isKeyKnown =
    old.keyType === undefined || now.keyType === undefined || widensTo(old.keyType, now.keyType)
  return isKeyKnown && waysTo(old, now, program) !== undefined
}

/** The migrations on the way from what was declared to what is; undefined: there is no way. */
function waysTo(
  old: StateDeclaration,
  now: StateDeclaration,
  program: ProgramStep,
): readonly StateMigration[] | undefined {
  const all = program.migrations?.get(old.name) ?? []
  const before = typeToString(old.type)
  const exact = all.findIndex(({ from }) => typeToString(from) === before)
  if (exact >= 0) return all.slice(exact)
  if (widensTo(old.type, now.type)) return []
  // A version in between may only have become wider, without a migration of its own.
  const wider = all.findLastIndex(({ from }) => widensTo(old.type, from))
  return wider < 0 ? undefined : all.slice(wider)
}

function valuesOf({ before }: Declarations): readonly StateDeclaration[] {
  return before.filter(({ kind }) => kind === 'value')
}

/** Whether a state is there, of the same kind; else says what is to be said. */
function isStill(old: StateDeclaration, { after }: Declarations, verdicts: Verdicts): boolean {
  const now = after.find(({ name }) => name === old.name)
  if (now?.kind === old.kind) return true
  const { step, mayDrop, changes, misfits } = verdicts
  const [before, is] = [declarationText(old), now === undefined ? undefined : declarationText(now)]
  if (mayDrop) changes.push({ kind: 'drops', state: old.name })
  else if (is === undefined)
    misfits.push({
      step,
      state: old.name,
      case: 'state',
      what: `its state "${old.name}" is not there any more`,
    })
  else
    misfits.push({
      step,
      state: old.name,
      case: 'state',
      what: `its state "${old.name}" changed`,
      before,
      after: is,
    })
  return false
}

/** Columns of values: one for each declared state. */
function valueRule(declarations: Declarations, verdicts: Verdicts): ColumnRule {
  const general = generalRule(verdicts)
  const before = valuesOf(declarations)
  const left = before.filter((old) => !isStill(old, declarations, verdicts))
  return {
    source: (field, kept) => {
      const state = declarations.after.find((one) => one.kind === 'value' && isColumnOf(one, field))
      if (state === undefined) return general.source(field, kept)
      const old = before.find(({ name }) => name === state.name)
      const from = old === undefined ? -1 : kept.findLastIndex((column) => isColumnOf(old, column))
      if (old === undefined || from < 0) return { kind: 'fill', with: 'default' }
      const fit = valueFit({ old, state, from }, declarations, verdicts)
      if (fit === undefined) left.push(old)
      return fit ?? { kind: 'fill', with: 'default' }
    },
    isLeft: (column) => left.some((old) => isColumnOf(old, column)),
    takesDefaults: false,
  }
}

/** Whether a column has a value. Where a key has its name, the column has slashes in front (engine/keyed-part.ts). */
function isColumnOf({ name, type }: StateDeclaration, column: Field): boolean {
  const isOfTable = column.name === '/removed'
  return !isOfTable && column.name.replace(/^\/+/, '') === `${name}${savedTypeNote(type)}`
}

/** Columns of a list or map: its values, the keys of a map, and columns of the table's own. */
function entryRule(old: StateDeclaration, declarations: Declarations, verdicts: Verdicts): ColumnRule {
  const general = generalRule(verdicts)
  const state = declarations.after.find(({ name }) => name === old.name) as StateDeclaration
  const left = new Set<string>()
  return {
    source: (field, kept) => {
      const column = /^\/+(value|key)( |$)/.exec(field.name)?.[1]
      if (column === undefined) return general.source(field, kept)
      const from = kept.findLastIndex(({ name }) => new RegExp(`^/+${column}( |$)`).test(name))
      if (from < 0) return undefined
      const fit =
        column === 'value'
          ? valueFit({ old, state, from }, declarations, verdicts)
          : keyFit({ old, state, from }, verdicts)
      if (fit === undefined) left.add((kept[from] as Field).name)
      return fit ?? { kind: 'fill', with: 'default' }
    },
    isLeft: ({ name }) => left.has(name),
    takesDefaults: false,
  }
}

interface StatePair {
  readonly old: StateDeclaration
  readonly state: StateDeclaration
  /** The column of the kept table. */
  readonly from: number
}

function valueFit(
  { old, state, from }: StatePair,
  { program }: Declarations,
  { step, mayDrop, changes, misfits }: Verdicts,
): ColumnFit | undefined {
  const { name } = state
  const [before, after] = [typeToString(old.type), typeToString(state.type)]
  if (before === after) return { kind: 'take', from }
  const migrations = waysTo(old, state, program)
  if (migrations !== undefined) {
    changes.push({ kind: migrations.length > 0 ? 'migrates' : 'widens', state: name, before, after })
    return { kind: 'state', from, before: old.type, after: state.type, migrations, state: name }
  }
  if (mayDrop && state.kind === 'value') {
    changes.push({ kind: 'drops', state: name }, { kind: 'gains', state: name })
    return undefined
  }
  misfits.push({
    step,
    state: name,
    what: `its state "${name}" changed${gapText(program.migrations?.get(name) ?? [])}`,
    before,
    after,
    canMigrate: true,
    canDefault: lacksOnlyDefaults(old.type, state.type),
  })
  return undefined
}

/** Where the migrations begin, when none begins where it should. */
function gapText(migrations: readonly StateMigration[]): string {
  const [first, ...others] = migrations.map(({ from }) => typeToString(from))
  if (first === undefined) return ''
  if (others.length === 0) return ` (its migration is from ${first})`
  return ` (its migrations are from ${[first, ...others].join(', from ')}, and none from what it was)`
}

function keyFit(
  { old, state, from }: StatePair,
  { step, changes, misfits }: Verdicts,
): ColumnFit | undefined {
  const [was, is] = [old.keyType as DataType, state.keyType as DataType]
  const [before, after] = [typeToString(was), typeToString(is)]
  if (before === after) return { kind: 'take', from }
  if (!widensTo(was, is)) {
    misfits.push({
      step,
      state: state.name,
      case: 'state',
      what: `the key of its map "${state.name}" changed`,
      before,
      after,
    })
    return undefined
  }
  changes.push({ kind: 'widens', state: `${state.name} (key)`, before, after })
  return { kind: 'state', from, before: was, after: is, migrations: [], state: state.name }
}

function declarationText({ kind, type, keyType }: StateDeclaration): string {
  const key = keyType === undefined ? '' : `${typeToString(keyType)}, `
  return `${kind}(${key}${typeToString(type)})`
}
