/**
 * How the columns of one kept table become those of a table of the program: by name, whatever their order. Pure; part of
 * the decision of state-fit.ts.
 */
import { fieldDefault, typeToString, wideningReasons, widensTo } from '../data/index.ts'
import type { DataType, Field } from '../data/index.ts'
import type { StatePart } from '../checkpoint/index.ts'
import type { KeyMeaning } from '../plan/step-meaning.ts'
import type { PartFit, StateMigration } from './state-fit.ts'

/** Where a column comes from. */
export type ColumnFit =
  | { readonly kind: 'take'; readonly from: number }
  /** Values of a column of the same kind, made wider. */
  | { readonly kind: 'widen'; readonly from: number }
  /** Values of declared state, in the cells in which snapshots have them: wider, or over migrations, the first one first. */
  | {
      readonly kind: 'state'
      readonly from: number
      readonly before: DataType
      readonly after: DataType
      readonly migrations: readonly StateMigration[]
      readonly state: string
    }
  /** What the field takes where nothing was kept: its default, else cells without a value. */
  | { readonly kind: 'fill'; readonly with: 'default' | 0 }

/** What has no place in the program. */
export interface Misfit {
  readonly step: string
  /** The state or aggregate; undefined: the step as a whole, or a column of its own. */
  readonly state?: string
  readonly what: string
  readonly before?: string
  readonly after?: string
  /** What it is that changed, where more is known than `what` says: what one can do depends on it (ways-on.ts). */
  readonly case?: 'gone-step' | 'input' | 'source' | 'step' | 'aggregate' | 'state'
  /** The step is a source: without its state it reads from the beginning. */
  readonly isSource?: boolean
  /** Of a step that is gone: new steps of the same kind, which may be it under another name. */
  readonly successors?: readonly string[]
  /** A migration could help. */
  readonly canMigrate?: boolean
  /** Defaults of what is new could help. */
  readonly canDefault?: boolean
}

/** What happens to a step that goes on. */
export interface StateChange {
  readonly kind: 'gains' | 'widens' | 'migrates' | 'drops' | 'reads'
  /** The state, aggregate or column; of `reads` the source. */
  readonly state: string
  readonly before?: string
  readonly after?: string
}

/** What was found about one file. */
export interface Verdicts {
  readonly step: string
  /** What does not fit may be left out. */
  readonly mayDrop: boolean
  readonly changes: StateChange[]
  readonly misfits: Misfit[]
}

/** Where columns besides keys come from. */
export interface ColumnRule {
  /** Undefined: from nowhere, and that is a misfit unless the rule has said so itself. */
  source(column: Field, kept: readonly Field[]): ColumnFit | undefined
  /** Whether a kept column that nothing took is left out on purpose. */
  isLeft(column: Field): boolean
  /** Whether columns are those of rows, which may have defaults. */
  readonly takesDefaults: boolean
}

/** What fits a table of the program, whose first columns are the keys. */
export function fitColumns(
  kept: StatePart,
  now: StatePart,
  { keys, rule }: { readonly keys: readonly ColumnFit[]; readonly rule: ColumnRule },
  { step, misfits }: Verdicts,
): PartFit {
  const before = kept.schema.fields
  const after = now.schema.fields
  const found = misfits.length
  const columns: ColumnFit[] = [...keys]
  for (const field of after.slice(keys.length)) {
    const fit = rule.source(field, before)
    if (fit === undefined && misfits.length === found)
      misfits.push({
        step,
        what: `the checkpoint lacks column "${field.name}" of table "${now.name}"`,
        canDefault: rule.takesDefaults,
      })
    columns.push(fit ?? { kind: 'fill', with: 'default' })
  }
  const used = new Set(columns.flatMap((fit) => (fit.kind === 'fill' ? [] : [fit.from])))
  for (const [at, field] of before.entries()) {
    if (used.has(at) || rule.isLeft(field) || misfits.length > found) continue
    misfits.push({ step, what: `column "${field.name}" of its table "${now.name}" has no place any more` })
  }
  const isAsItWas =
    before.length === after.length && columns.every((fit, at) => fit.kind === 'take' && fit.from === at)
  return { part: now, columns: isAsItWas ? undefined : columns }
}

/** Keys by name. Rows find their place by their values: a wider type is the same key. */
export function fitKeys(
  kept: StatePart,
  now: StatePart,
  keys: readonly KeyMeaning[],
  { step, changes, misfits }: Verdicts,
): readonly ColumnFit[] {
  // A table without key columns, such as that of the progress.
  if (keys.some(({ name }, at) => now.schema.fields[at]?.name !== name)) return []
  return keys.map(({ name }, at): ColumnFit => {
    const field = now.schema.fields[at] as Field
    const from = kept.schema.fields.findIndex((column) => column.name === name)
    const old = kept.schema.fields[from]
    if (old === undefined) {
      misfits.push({ step, what: `its key has a column "${name}" that the checkpoint lacks` })
      return { kind: 'fill', with: 'default' }
    }
    const how = howTaken(old, field)
    if (how === undefined)
      misfits.push({ step, what: `its key "${name}" changed`, before: typeText(old), after: typeText(field) })
    if (how === 'widen')
      changes.push({ kind: 'widens', state: name, before: typeText(old), after: typeText(field) })
    return { kind: how ?? 'take', from }
  })
}

/** Columns by name: the same, wider, or new and nullable. `mayLeave`: kept ones may go. */
export function generalRule(
  { step, changes, misfits }: Verdicts,
  options?: { readonly mayLeave: boolean },
): ColumnRule {
  return {
    source: (field, kept) => {
      const from = kept.findIndex(({ name }) => name === field.name)
      const old = kept[from]
      if (old === undefined)
        return field.nullable || fieldDefault in field ? { kind: 'fill', with: 'default' } : undefined
      const how = howTaken(old, field)
      const [before, after] = [typeText(old), typeText(field)]
      if (how === undefined) {
        const canDefault = lacksOnlyDefaults(old.type, field.type)
        misfits.push({ step, what: `its column "${field.name}" changed`, before, after, canDefault })
      }
      if (how === 'widen') changes.push({ kind: 'widens', state: field.name, before, after })
      return { kind: how ?? 'take', from }
    },
    isLeft: () => options?.mayLeave === true,
    takesDefaults: options?.mayLeave === true,
  }
}

/** Whether nothing stands in the way but new members that are not null and have no default. */
export function lacksOnlyDefaults(from: DataType, to: DataType): boolean {
  const reasons = wideningReasons(from, to)
  return reasons.length > 0 && reasons.every((reason) => reason.includes(' is new, and neither '))
}

/** How a column becomes another; undefined: not at all. */
function howTaken(from: Field, to: Field): 'take' | 'widen' | undefined {
  if (from.nullable && !to.nullable) return undefined
  if (typeToString(from.type) === typeToString(to.type)) return 'take'
  return widensTo(from.type, to.type) ? 'widen' : undefined
}

function typeText({ type, nullable }: Field): string {
  return `${typeToString(type)}${nullable ? '?' : ''}`
}
