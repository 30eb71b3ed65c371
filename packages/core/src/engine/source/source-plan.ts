/**
 * What one source reads in one epoch of micro-batch mode, fixed before the first row: as the engine uses it, and as it
 * stands in the log (docs/internals/checkpoints.md).
 */
import type { Split } from '../../connect/source.ts'
import type { Json } from '../../data/type.ts'
import { MillraceError } from '../../errors.ts'

/** A split of an epoch. */
export interface PlannedSplit {
  readonly id: string
  /** The horizon of a split that grows; undefined: to its end. */
  readonly to?: Json
}

/** Splits that are read one after the other, and the rows that they may give together. */
export interface PlannedLane {
  readonly splits: readonly PlannedSplit[]
  /** Undefined: all. */
  readonly rows?: number
}

/** The input of one source in one epoch. */
export interface SourcePlan {
  /** Splits that no epoch before knew, in order of discovery. */
  readonly found: readonly Split[]
  /** What enumerators remember beside them; undefined: the entry is gone. */
  readonly remembered: ReadonlyMap<string, Json | undefined>
  /** No split can be found any more. */
  readonly done: boolean
  readonly lanes: readonly PlannedLane[]
  /** Input was seen that is no split yet (`FoundSplits.coming`); undefined: as an earlier plan said. */
  readonly coming?: boolean | undefined
  /** Splits without rows for so long that they hold no window back any more. */
  readonly idle: readonly string[]
}

/** Whether a plan brings anything: rows, splits, their end, or an input that became idle. */
export function isEmptyPlan({ found, lanes, idle }: SourcePlan): boolean {
  return found.length === 0 && lanes.length === 0 && idle.length === 0
}

/** As it stands in the log. */
export function sourcePlanToJson({ found, remembered, done, coming, lanes, idle }: SourcePlan): Json {
  return {
    v: 1,
    found: found.map((split) => ({ ...split }) as unknown as Json),
    // One without a value is gone.
    remembered: Array.from(remembered, ([key, value]) => (value === undefined ? [key] : [key, value])),
    done,
    ...(coming === undefined ? {} : { coming }),
    lanes: lanes.map(({ splits, rows }) => ({
      splits: splits.map(({ id, to }) => (to === undefined ? { id } : { id, to })),
      ...(rows === undefined ? {} : { rows }),
    })),
    idle,
  }
}

/** Back from the log. */
export function sourcePlanFromJson(json: Json, step: string): SourcePlan {
  const plan = json as unknown as Omit<SourcePlan, 'remembered'> & {
    readonly v: unknown
    readonly remembered: readonly (readonly [string] | readonly [string, Json])[]
  }
  if (plan.v !== 1) {
    throw new MillraceError('checkpoint/newer-format', {
      what: `the plan of the next epoch, for source "${step}", has version ${String(plan.v)}; this release reads 1`,
      hint: 'run the release that wrote it, or a newer one',
      step,
    })
  }
  return { ...plan, remembered: new Map(plan.remembered.map(([key, value]) => [key, value])) }
}
