/**
 * A batch run in phases: each phase runs from what the ones before have sealed, and its own output is sealed behind it.
 *
 * What stands in a manifest is not computed again: a start goes on behind the last border, and what a phase had written
 * when it was cut short is swept. Output is prepared phase by phase and shown with the last epoch. Invariants (tests
 * quote them):
 *  Q1  A phase is run from sealed files only, and begins when the manifest of the border before it stands.
 *  Q2  Between two phases nothing is in memory that the next one needs.
 *  Q3  Rows are those of a run without phases.
 */
import { StateFileReader } from '../checkpoint/index.ts'
import type { BorderFileReference, CheckpointStore, StageBorder } from '../checkpoint/index.ts'
import { assert } from '../errors.ts'
import { BorderReader, borderParts, BorderWriter, channelsToJson, TaskLoop } from '../engine/index.ts'
import type { BorderChannel, EpochCutter, LoopEnd, LoopGround, SentChannel } from '../engine/index.ts'
import type { ByteChecks } from '../host/host.ts'
import { portSchema } from '../plan/plan-graph.ts'
import type { Border, PhasedPlan } from '../plan/phases.ts'
import type { PhysicalPlan } from '../plan/physical.ts'
import { tasksOf } from './batch-phases.ts'
import { BorderFiles, readBorder } from './border-files.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { Epochs } from './epochs.ts'

/** What a run in phases is made of. */
export interface PhasedRunParts {
  readonly ground: LoopGround
  readonly epochs: Epochs
  readonly checkpoints: Checkpoints
  readonly store: CheckpointStore
  readonly checks: ByteChecks
  readonly physical: PhysicalPlan
  readonly plan: PhasedPlan
  /** What the first so many phases compute. */
  readonly hashOf: (done: number) => string
  /** The border that the run goes on behind; undefined: it begins. */
  readonly from: StageBorder | undefined
  /** How the outputs were opened. */
  readonly outputMode: string
  /** Where files of borders are cut, in bytes. */
  readonly fileBytes?: number | undefined
}

/** A border that is being written. */
interface OpenBorder {
  readonly border: Border
  readonly files: BorderFiles
  readonly writer: BorderWriter
}

/** Drives an execution phase by phase. */
export class PhasedRun {
  readonly #parts: PhasedRunParts
  #phase: number
  /** What phases to come read. */
  #files: readonly BorderFileReference[]

  constructor(parts: PhasedRunParts) {
    this.#parts = parts
    this.#files = parts.from?.files ?? []
    this.#phase = parts.from?.done ?? 0
  }

  /** The one that is under way, from 1. */
  get phase(): { readonly number: number; readonly of: number } {
    return { number: this.#phase + 1, of: this.#parts.plan.phases.length }
  }

  async run(): Promise<LoopEnd> {
    const { plan, from, checkpoints } = this.#parts
    await checkpoints.sweepFiles()
    for (let phase = from?.done ?? 0; phase < plan.phases.length; phase++) {
      this.#phase = phase
      const end = await this.#runPhase(phase)
      if (end === 'stopped') return end
      await checkpoints.sweepFiles()
    }
    return 'finished'
  }

  async #runPhase(phase: number): Promise<LoopEnd> {
    const { ground, plan } = this.#parts
    const { execution } = ground
    const readers: BorderReader[] = []
    const borders: OpenBorder[] = []
    try {
      for (const border of plan.borders.filter(({ to }) => to === phase))
        readers.push(await this.#openReader(border))
      for (const border of plan.borders.filter(({ from }) => from === phase))
        borders.push(await this.#openBorder(border))
      const { stages, exchanges } = plan.phases[phase] as PhasedPlan['phases'][number]
      const writers = borders.map(({ writer }) => writer)
      await execution.build(ground, { stages, exchanges, readers, writers })
      const loop = new TaskLoop(ground, {
        epochIntervalMs: undefined,
        stopWhenIdleMs: undefined,
        drain: false,
        discoverIntervalMs: Infinity,
        epochs: this.#cutter(phase, borders),
      })
      ground.throwIfFailed()
      const end = await loop.run()
      execution.endPart()
      return end
    } finally {
      await Promise.all(readers.map((reader) => reader.close()))
      await Promise.all(
        borders.map(async ({ writer, files }) => {
          await writer.close()
          await files.abort()
        }),
      )
    }
  }

  /** The end of a phase is the border behind it; that of the last one the end of the run. */
  #cutter(phase: number, borders: readonly OpenBorder[]): EpochCutter {
    const { epochs, plan } = this.#parts
    if (phase === plan.phases.length - 1) return epochs
    return {
      keepsState: false,
      canCut: false,
      holdsReading: false,
      cut: () => undefined,
      hurry: () => undefined,
      cutLast: () => this.#seal(phase, borders),
    }
  }

  async #seal(phase: number, borders: readonly OpenBorder[]): Promise<void> {
    const { epochs, plan, physical, hashOf, outputMode } = this.#parts
    const done = phase + 1
    const sealed = await Promise.all(
      borders.map(async ({ border: { from, to, forTable }, files, writer }) => {
        await writer.finish()
        return (await files.finish()).map((file) => ({ ...file, from, to, forTable }))
      }),
    )
    this.#files = [...this.#files, ...sealed.flat()].filter(({ to }) => to >= done)
    await epochs.cutBorder({
      done,
      of: plan.phases.length,
      hash: hashOf(done),
      tasks: tasksOf(physical),
      outputMode,
      files: this.#files,
    })
  }

  async #openBorder(border: Border): Promise<OpenBorder> {
    const { store, checks, checkpoints, epochs, physical, fileBytes } = this.#parts
    const channels = this.#channelsOf(border)
    const { from, to } = border
    const files = await BorderFiles.begin({
      store,
      checks,
      parts: borderParts(channels),
      about: { border: { from, to, channels: channelsToJson(channels) } },
      newName: () => checkpoints.newFileName(epochs.epoch + 1),
      fileBytes,
    })
    const writer = new BorderWriter({
      channels,
      groups: [0, physical.keyGroups],
      append: (rows) => files.append(rows),
      failed: this.#parts.ground.failed,
    })
    return { border, files, writer }
  }

  #channelsOf({ exchanges }: Border): readonly BorderChannel[] {
    const { physical, ground } = this.#parts
    return exchanges.flatMap((exchange) => {
      const { step, port } = exchange.from
      const schema = portSchema(ground.execution.node(step), port)
      const tasks = physical.stages.find(({ steps }) => steps.includes(step))?.tasks
      assert(schema !== undefined && tasks !== undefined, `step "${step}" has no output "${port}"`)
      return Array.from({ length: tasks }, (_, task) => ({ exchange, task, tasks, schema }))
    })
  }

  async #openReader({ from, to, forTable, exchanges }: Border): Promise<BorderReader> {
    const { store, checks } = this.#parts
    const files = this.#files.filter(
      (file) => file.from === from && file.to === to && file.forTable === forTable,
    )
    const first = files[0]
    assert(first !== undefined, `nothing is sealed between phases ${from} and ${to}`)
    const { about } = await StateFileReader.open(store, first, checks)
    const { channels } = (
      about as unknown as { readonly border: { readonly channels: readonly SentChannel[] } }
    ).border
    return new BorderReader({
      forTable,
      rows: readBorder(files, { store, checks }),
      channels: channels.map((channel) => {
        const exchange = exchanges.find((one) => isSame(one.from, channel.from) && isSame(one.to, channel.to))
        assert(exchange !== undefined, `the border between phases ${from} and ${to} is another one`)
        return { exchange, sender: { task: channel.task, tasks: channel.tasks } }
      }),
      events: this.#parts.ground,
    })
  }
}

function isSame<End extends object>(one: End, other: End): boolean {
  return JSON.stringify(Object.values(one)) === JSON.stringify(Object.values(other))
}
