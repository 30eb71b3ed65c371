/**
 * Ways to run a pipeline that must not show in its answer: mode, tasks, sizes of batches and epochs, and crashes.
 */
import type { EpochLimits } from '../../plan/index.ts'
import type { RunMode } from '../../runtime/index.ts'
import type { Dice } from './dice.ts'

/** A way to run. Plain JSON. */
export interface PipelineWay {
  readonly mode: RunMode
  /** Tasks of each stage; the starts after a crash take the next number, in turns. */
  readonly parallelism: readonly number[]
  readonly batchRows: number
  readonly preAggregate: boolean
  /** Micro-batch. */
  readonly perEpoch?: EpochLimits
  /** With a place for checkpoints. A batch then runs in phases. */
  readonly hasState: boolean
  /** Kills after so many events of the machine, one for each start but the last. */
  readonly kills: readonly { readonly afterEvents: number; readonly how: 'process' | 'power' }[]
  /** Of the machine. */
  readonly seed: number
}

const batchSizes = [4096, 1, 2, 3, 5, 8, 64, 8192]

/** Draws one way of each mode. */
export function drawWays(dice: Dice): readonly PipelineWay[] {
  return (['batch', 'micro-batch', 'continuous'] as const).map((mode) => drawWay(dice, mode))
}

function drawWay(dice: Dice, mode: RunMode): PipelineWay {
  const hasState = dice.chance(2)
  // Without a state a run that was killed has shown nothing, and another one begins anew.
  const crashes = hasState ? dice.below(4) : 0
  const perEpoch = dice.one<EpochLimits>([
    {},
    { maxRows: 1 },
    { maxRows: 3 },
    { maxRows: 8 },
    { maxFiles: 1 },
  ])
  return {
    mode,
    parallelism: [1 + dice.below(4), 1 + dice.below(4)],
    batchRows: dice.one(batchSizes),
    preAggregate: !dice.chance(4),
    ...(mode === 'micro-batch' ? { perEpoch } : {}),
    hasState,
    kills: Array.from({ length: crashes }, () => ({
      afterEvents: 1 + dice.below(dice.one([40, 120, 400])),
      how: dice.one(['process', 'power'] as const),
    })),
    seed: 1 + dice.below(1_000_000),
  }
}
