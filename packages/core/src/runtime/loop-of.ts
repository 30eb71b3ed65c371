/** The loop that drives a run in its mode. */
import { MicroBatchLoop, TaskLoop } from '../engine/index.ts'
import type { EpochInput, LoopGround, PlannedClock } from '../engine/index.ts'
import type { Epochs } from './epochs.ts'
import type { JobOptions } from './job.ts'
import type { TakenOver } from './take-over.ts'
import { triggerPlan } from './trigger.ts'

const EPOCH_INTERVAL_MS = 1000
const DISCOVER_INTERVAL_MS = 200

/** What a loop is made with. */
export interface LoopParts {
  readonly ground: LoopGround
  readonly epochs: Epochs
  /** Undefined: epochs are not planned. */
  readonly clock: PlannedClock | undefined
  /** What an earlier attempt had planned, and not finished. */
  readonly replay: EpochInput | undefined
}

/** The clock of a run whose epochs are planned; undefined in the other modes. It does not go back behind earlier plans. */
export function plannedClock({ mode }: JobOptions, taken: TakenOver | undefined): PlannedClock | undefined {
  if (mode !== 'micro-batch') return undefined
  const plans = taken?.entries.flatMap(({ entry }) => (entry.kind === 'plan' ? [entry.clockMs] : [])) ?? []
  return {
    clockMs: Math.max(-Infinity, ...plans),
    now() {
      return this.clockMs
    },
  }
}

/** Makes the loop of a run. */
export function loopOf(
  options: JobOptions,
  { ground, epochs, clock, replay }: LoopParts,
): TaskLoop | MicroBatchLoop {
  const { mode, stopWhenIdleMs, epochIntervalMs = EPOCH_INTERVAL_MS } = options
  const common = {
    drain: options.drain ?? false,
    discoverIntervalMs: options.discoverIntervalMs ?? DISCOVER_INTERVAL_MS,
    epochs,
  }
  if (clock !== undefined)
    return new MicroBatchLoop(ground, {
      ...common,
      trigger: triggerPlan(options.trigger),
      stopWhenIdleMs,
      clock,
      replay,
    })
  const bounded = mode !== 'continuous'
  return new TaskLoop(ground, {
    ...common,
    epochIntervalMs: bounded ? undefined : epochIntervalMs,
    stopWhenIdleMs: bounded ? undefined : stopWhenIdleMs,
  })
}
