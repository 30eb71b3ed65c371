/** When micro-batch mode makes epochs, as people say it. */
import { checkOptionNames } from '../data/option-names.ts'
import type { TriggerPlan } from '../engine/index.ts'
import { MillraceError } from '../errors.ts'
import { parseDuration } from '../time/index.ts'
import type { Duration } from '../time/index.ts'

/** When micro-batch mode makes epochs. */
export type Trigger =
  /** One each `every`, where there is something to read; the run goes on until it is stopped. */
  | { readonly kind: 'interval'; readonly every: Duration }
  /** As many as it takes to read what is there when the run begins; then the run ends. */
  | { readonly kind: 'available-now' }
  /** One; then the run ends. */
  | { readonly kind: 'once' }

/** Milliseconds between epochs when nobody says. */
const EVERY_MS = 10_000

/** A trigger with its defaults. Throws `plan/invalid-argument`. */
export function triggerPlan(trigger: Trigger | undefined): TriggerPlan {
  if (trigger === undefined) return { kind: 'interval', everyMs: EVERY_MS }
  const { kind } = trigger as Partial<Trigger>
  if (kind === 'available-now' || kind === 'once') {
    checkOptionNames('trigger', trigger, ['kind'])
    return { kind }
  }
  if (trigger.kind !== 'interval') throw wrong(String(kind))
  checkOptionNames('trigger', trigger, ['kind', 'every'])
  const everyMs = parseDuration(trigger.every)
  if (everyMs <= 0) throw wrong('an interval of 0')
  return { kind: 'interval', everyMs }
}

/** Refuses options that the trigger of a run has no use for. Throws `plan/invalid-argument`. */
export function checkTrigger(options: {
  readonly mode?: string
  readonly trigger?: Trigger
  readonly drain?: boolean
  readonly stopWhenIdleMs?: number
}): void {
  const { mode, trigger, drain, stopWhenIdleMs } = options
  if (mode !== 'micro-batch') {
    if (trigger === undefined) return
    throw new MillraceError('plan/invalid-argument', {
      what: 'a trigger belongs to micro-batch mode',
      hint: "add the option mode: 'micro-batch'",
    })
  }
  const { kind } = triggerPlan(trigger)
  if (kind === 'interval' || (drain !== true && stopWhenIdleMs === undefined)) return
  throw new MillraceError('plan/invalid-argument', {
    what: `a run with trigger "${kind}" ends by itself, and a later one goes on with its windows`,
    detail: `${drain === true ? '"drain"' : '"stopWhenIdleMs"'} is for runs that go on until they are stopped`,
    hint: "leave the option out; or use { kind: 'interval', every: … }",
  })
}

function wrong(what: string): MillraceError {
  return new MillraceError('plan/invalid-argument', {
    what: `option "trigger" cannot be ${what}`,
    hint: "it is { kind: 'interval', every: '10 s' }, { kind: 'available-now' } or { kind: 'once' }",
  })
}
