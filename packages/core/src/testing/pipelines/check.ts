/**
 * Engine against oracle, for one pipeline and each way to run it.
 */
import { isMillraceError } from '../../errors.ts'
import { memorySink } from '../../connect/index.ts'
import type { BuiltPlan } from '../../plan/index.ts'
import type { Lateness } from '../oracle/meaning.ts'
import { oracle } from '../oracle/oracle.ts'
import type { OracleInputs } from '../oracle/oracle.ts'
import type { Relation } from '../oracle/relation.ts'
import { pipelineOf, sinkName, splitsOf } from './build.ts'
import { bordersOf } from './borders.ts'
import { differenceOf } from './compare.ts'
import type { PipelineCase, StepCase } from './description.ts'
import { ID } from './generate-source.ts'
import type { LateCase } from './generate.ts'
import { runPipeline } from './run.ts'
import type { PipelineRun, Sabotage } from './run.ts'
import type { PipelineWay } from './ways.ts'

/** What a check found. */
export type CheckResult =
  | { readonly kind: 'equal'; readonly run: PipelineRun }
  | { readonly kind: 'different'; readonly what: string }
  /** The pipeline fails by its definition, as by an overflow, and in the engine too. */
  | { readonly kind: 'fails' }

/** A pipeline that is run in several ways, and what is known of its answer. */
export class PipelineCheck {
  readonly #described: PipelineCase
  readonly #late: LateCase
  readonly #built: BuiltPlan
  readonly #inputs: OracleInputs
  /** Borders of epochs that were compared, over all runs. */
  borders = 0
  /** By how many rows the watermark moves at once, where that tells which are late. */
  readonly #expected = new Map<number, ReadonlyMap<string, Relation>>()

  constructor(described: PipelineCase, late: LateCase) {
    const unread = memorySink()
    this.#described = described
    this.#late = late
    this.#built = pipelineOf(described, () => ({ ...unread, accepts: 'retract' })).build({ check: false })
    this.#inputs = Object.fromEntries(described.sources.map((source) => [source.name, splitsOf(source)]))
  }

  /** Whether a sabotage makes another pipeline of it. */
  isChangedBy(sabotage: Sabotage): boolean {
    const { plan, bindings } = sabotage(this.#built)
    return bindings !== this.#built.bindings || JSON.stringify(plan) !== JSON.stringify(this.#built.plan)
  }

  /** Runs the pipeline, and compares all that it puts out. */
  async check(way: PipelineWay, sabotage?: Sabotage): Promise<CheckResult> {
    const failure = failureOf(() => this.#expectedIn(way))
    if (failure !== undefined) return this.#checkFailure(way, failure)
    let run: PipelineRun
    try {
      run = await runPipeline(this.#described, way, sabotage)
    } catch (error) {
      return { kind: 'different', what: `the engine fails: ${describeError(error)}` }
    }
    const differences = this.#differences(way, run)
    return differences.length === 0
      ? { kind: 'equal', run }
      : { kind: 'different', what: differences.join('\n') }
  }

  #differences(way: PipelineWay, run: PipelineRun): readonly string[] {
    const described = this.#described
    const expected =
      this.#late === 'several-splits' ? this.#answer(givenLate(described, run)) : this.#expectedIn(way)
    const differences = described.outputs.flatMap((output) => {
      const found = differenceOf(expected.get(output) as Relation, run.outputs.get(output) ?? [])
      return found === undefined ? [] : [`output ${output}: ${found}`]
    })
    if (run.duplicates > 0) differences.push(`${run.duplicates} commits were made twice`)
    if (this.#late === 'none' && run.progress.rowsLate > 0)
      differences.push(`${run.progress.rowsLate} rows were late`)
    if (this.#late === 'several-splits') differences.push(...tooLate(described, run))
    if (differences.length === 0) differences.push(...this.#bordersOf(way, run))
    return differences
  }

  /** What was out at the borders of epochs whose input is known (law L3). */
  #bordersOf(way: PipelineWay, run: PipelineRun): readonly string[] {
    const atMost = way.perEpoch?.maxRows
    if (way.mode !== 'micro-batch' || atMost === undefined || this.#late === 'several-splits') return []
    const lateness: Lateness =
      this.#late === 'one-split' ? { kind: 'by-split', rowsAtOnce: atMost } : { kind: 'none' }
    return bordersOf(this.#built, this.#inputs, atMost).flatMap(({ epoch, inputs, horizon }) => {
      const results = oracle(this.#built, inputs, { lateness, horizon })
      this.borders++
      return this.#described.outputs.flatMap((output) => {
        const wanted = results.get(sinkName(output))?.['main'] as Relation
        const found = differenceOf(wanted, run.outputAt(output, epoch))
        return found === undefined ? [] : [`output ${output} at the border of epoch ${epoch}: ${found}`]
      })
    })
  }

  /** What each output gets by definition, where that does not depend on what the engine says was late. */
  #expectedIn(way: PipelineWay): ReadonlyMap<string, Relation> {
    const rowsAtOnce = this.#late === 'one-split' ? rowsAtOnceIn(way) : Infinity
    const known = this.#expected.get(rowsAtOnce)
    if (known !== undefined) return known
    const answer = this.#answer(rowsAtOnce === Infinity ? { kind: 'none' } : { kind: 'by-split', rowsAtOnce })
    this.#expected.set(rowsAtOnce, answer)
    return answer
  }

  #answer(lateness: Lateness): ReadonlyMap<string, Relation> {
    const results = oracle(this.#built, this.#inputs, { lateness })
    return new Map(
      this.#described.outputs.map((output) => [output, results.get(sinkName(output))?.['main'] as Relation]),
    )
  }

  async #checkFailure(way: PipelineWay, code: string): Promise<CheckResult> {
    try {
      await runPipeline(this.#described, way)
    } catch (error) {
      if (isMillraceError(error) && (error.code === code || error.code.startsWith('value/')))
        return { kind: 'fails' }
      return { kind: 'different', what: `${code} is due, and the engine fails with ${describeError(error)}` }
    }
    // A row that fails may never be asked for: by a column that nobody reads, or behind a filter that was moved.
    return { kind: 'fails' }
  }
}

/** In micro-batch mode event time moves between epochs, else with every row. */
function rowsAtOnceIn({ mode, perEpoch }: PipelineWay): number {
  return mode === 'micro-batch' ? (perEpoch?.maxRows ?? Infinity) : 1
}

function failureOf(work: () => unknown): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (isMillraceError(error) && (error.code.startsWith('value/') || error.code.startsWith('step/')))
      return error.code
    throw error
  }
}

function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** Where rows of several splits were late, those that the engine says were. */
function givenLate(described: PipelineCase, run: PipelineRun): Lateness {
  const byStep = new Map(windowsOf(described).map((step) => [step.name, new Set(lateIds(step.name, run))]))
  return {
    kind: 'given',
    isLate: (step, cells) => byStep.get(step)?.has(cells[ID] as number) ?? false,
  }
}

type WindowStep = Extract<StepCase, { kind: 'aggregate' }>

function windowsOf({ steps }: PipelineCase): readonly WindowStep[] {
  return steps.filter((step) => step.kind === 'aggregate')
}

/** Ids of the rows that came out as late for a step. Behind another window there are none: such rows are never late. */
function lateIds(step: string, run: PipelineRun): readonly number[] {
  const rows = run.outputs.get(`${step}.late`) ?? []
  return rows.flatMap(({ cells: { [ID]: id } }) => (typeof id === 'number' ? [id] : []))
}

/** Rows that were late although no row before them in their split could have moved the watermark so far. */
function tooLate(described: PipelineCase, run: PipelineRun): readonly string[] {
  return windowsOf(described).flatMap((step) => {
    const { window } = step
    if (window.kind !== 'tumbling') return []
    return lateIds(step.name, run).flatMap((id) => {
      const known = watermarkBefore(described, id)
      if (known === undefined) return []
      const { time, watermark } = known
      const end = window.offsetMs + (Math.floor((time - window.offsetMs) / window.sizeMs) + 1) * window.sizeMs
      return watermark >= end
        ? []
        : [`row ${id} of time ${time} was late for ${step.name} at ${watermark} at most`]
    })
  })
}

/** The time of a row of the first source, and what the rows before it in its split promise. */
function watermarkBefore(
  { sources: [source] }: PipelineCase,
  id: number,
): { readonly time: number; readonly watermark: number } | undefined {
  const disorder = source?.eventTime?.watermark
  if (source === undefined || typeof disorder !== 'number') return undefined
  const at = source.columns.findIndex(({ name }) => name === 'at')
  const { type } = source.columns[at] as PipelineCase['sources'][number]['columns'][number]
  const perMs = type.kind !== 'timestamp' || type.unit === 'ms' ? 1n : type.unit === 'us' ? 1000n : 1_000_000n
  const ms = source.rows.map((row) => Number(floorDivide(BigInt(row[at] as string | number), perMs)))
  const split = Array.from({ length: source.splits }, (_, n) => Math.floor((ms.length * n) / source.splits))
  const begin = split.findLast((first) => first <= id) ?? 0
  return { time: ms[id] as number, watermark: Math.max(-Infinity, ...ms.slice(begin, id)) - disorder }
}

function floorDivide(value: bigint, by: bigint): bigint {
  return value % by < 0n ? value / by - 1n : value / by
}
