/**
 * Engine against oracle, for one pipeline and one way to run it.
 */
import { isMillraceError } from '../../errors.ts'
import { memorySink } from '../../connect/index.ts'
import type { Value } from '../../expr/value.ts'
import type { Lateness } from '../oracle/meaning.ts'
import { oracle } from '../oracle/oracle.ts'
import type { Relation } from '../oracle/relation.ts'
import { pipelineOf, sinkName, splitsOf } from './build.ts'
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
  /** Which rows are late in this way is not told by their definition. */
  | { readonly kind: 'open' }

/** Runs the pipeline, and compares all that it puts out. */
export async function checkPipeline(
  described: PipelineCase,
  late: LateCase,
  way: PipelineWay,
  sabotage?: Sabotage,
): Promise<CheckResult> {
  if (late === 'one-split' && way.mode === 'micro-batch') return { kind: 'open' }
  const failure = failureOf(() => expectedOf(described, { kind: late === 'one-split' ? 'by-split' : 'none' }))
  if (failure !== undefined) return checkFailure(described, way, failure)
  let run: PipelineRun
  try {
    run = await runPipeline(described, way, sabotage)
  } catch (error) {
    return { kind: 'different', what: `the engine fails: ${describeError(error)}` }
  }
  const lateness = latenessOf(described, late, run)
  const expected = expectedOf(described, lateness)
  const differences = described.outputs.flatMap((output) => {
    const relation = expected.get(output) as Relation
    const found = differenceOf(relation, run.outputs.get(output) ?? [])
    return found === undefined ? [] : [`output ${output}: ${found}`]
  })
  if (run.duplicates > 0) differences.push(`${run.duplicates} commits were made twice`)
  if (late === 'none' && run.progress.rowsLate > 0)
    differences.push(`${run.progress.rowsLate} rows were late`)
  if (late === 'several-splits') differences.push(...tooLate(described, run))
  return differences.length === 0
    ? { kind: 'equal', run }
    : { kind: 'different', what: differences.join('\n') }
}

/** What each output gets by the definition of the pipeline. */
function expectedOf(described: PipelineCase, lateness: Lateness): ReadonlyMap<string, Relation> {
  const unread = memorySink()
  const built = pipelineOf(described, () => ({ ...unread, accepts: 'retract' })).build()
  const inputs = Object.fromEntries(described.sources.map((source) => [source.name, splitsOf(source)]))
  const results = oracle(built, inputs, lateness)
  return new Map(
    described.outputs.map((output) => [output, results.get(sinkName(output))?.['main'] as Relation]),
  )
}

async function checkFailure(described: PipelineCase, way: PipelineWay, code: string): Promise<CheckResult> {
  try {
    await runPipeline(described, way)
  } catch (error) {
    if (isMillraceError(error) && (error.code === code || error.code.startsWith('value/')))
      return { kind: 'fails' }
    return { kind: 'different', what: `${code} is due, and the engine fails with ${describeError(error)}` }
  }
  // A row that fails may never be asked for: by a column that nobody reads, or behind a filter that was moved.
  return { kind: 'fails' }
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
function latenessOf(described: PipelineCase, late: LateCase, run: PipelineRun): Lateness {
  if (late === 'one-split') return { kind: 'by-split' }
  if (late === 'none') return { kind: 'none' }
  const byStep = new Map(
    windowsOf(described).map((step) => [step.name, new Set(lateIds(described, step.name, run))]),
  )
  return { kind: 'given', isLate: (step, cells) => byStep.get(step)?.has(cells[ID] as number) ?? false }
}

type WindowStep = Extract<StepCase, { kind: 'aggregate' }>

function windowsOf({ steps }: PipelineCase): readonly WindowStep[] {
  return steps.filter((step) => step.kind === 'aggregate')
}

function lateRows(
  described: PipelineCase,
  step: string,
  run: PipelineRun,
): readonly { readonly [column: string]: Value }[] {
  const output = `${step}.late`
  const rows = run.outputs.get(output) ?? []
  if (rows.length === 0) return []
  const { schema } = expectedOf(described, { kind: 'none' }).get(output) as Relation
  return rows.map(({ values }) =>
    Object.fromEntries(schema.fields.map(({ name }, at) => [name, values[at] as Value])),
  )
}

function lateIds(described: PipelineCase, step: string, run: PipelineRun): readonly number[] {
  return lateRows(described, step, run).flatMap((cells) => (typeof cells[ID] === 'number' ? [cells[ID]] : []))
}

/** Rows that were late although no row before them in their split could have moved the watermark so far. */
function tooLate(described: PipelineCase, run: PipelineRun): readonly string[] {
  return windowsOf(described).flatMap((step) => {
    const { window } = step
    if (window.kind !== 'tumbling') return []
    return lateIds(described, step.name, run).flatMap((id) => {
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
