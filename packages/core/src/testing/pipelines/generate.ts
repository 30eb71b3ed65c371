/**
 * Generated pipelines: sources, steps and outputs that are drawn from lists of numbers.
 *
 * Each list of choices makes one part, so that a list or a number less gives a smaller pipeline that is still a whole one.
 * A pipeline is built with the public builder while it is drawn, which tells the columns of each stream.
 */
import type { Schema } from '../../data/index.ts'
import { pipeline } from '../../sdk/index.ts'
import { CaseStreams } from './build.ts'
import type { PipelineCase, SourceCase, StepCase } from './description.ts'
import { Dice } from './dice.ts'
import type { DrawnStream } from './generate-steps.ts'
import { drawStep } from './generate-steps.ts'
import type { TimeScale } from './generate-source.ts'
import { drawSource } from './generate-source.ts'

/** What a pipeline is drawn from. */
export interface Choices {
  readonly shape: readonly number[]
  /** Of each source, and of each of its rows. */
  readonly sources: readonly {
    readonly shape: readonly number[]
    readonly rows: readonly (readonly number[])[]
  }[]
  readonly steps: readonly (readonly number[])[]
}

/** Whether rows come behind the watermark. */
export type LateCase =
  /** Every row comes in time. */
  | 'none'
  /** One split: which rows are late follows from its rows. */
  | 'one-split'
  /** Several splits: which rows are late depends on how they were read. */
  | 'several-splits'

/** A generated pipeline. */
export interface GeneratedCase {
  readonly described: PipelineCase
  readonly late: LateCase
}

/** Draws a pipeline. */
export function generate(choices: Choices): GeneratedCase {
  let generated: GeneratedCase | undefined
  const building = pipeline('generated', (p) => {
    generated = new CaseDraft(new CaseStreams(p)).draw(choices)
  })
  try {
    building.build({ check: false })
  } catch (error) {
    // Nothing is written yet, which building refuses.
    if (generated === undefined) throw error
  }
  return generated as unknown as GeneratedCase
}

class CaseDraft {
  readonly #built: CaseStreams
  readonly #sources: SourceCase[] = []
  readonly #steps: StepCase[] = []
  #streams: DrawnStream[] = []

  constructor(built: CaseStreams) {
    this.#built = built
  }

  draw({ shape, sources, steps }: Choices): GeneratedCase {
    const dice = new Dice(shape)
    const scale: TimeScale = {
      unitMs: dice.one([1000, 1, 500, 86_400_000]),
      baseMs: dice.one([0, 1_700_000_000_000, -3_000_000_000_000]),
    }
    const late = dice.one<LateCase>([
      'none',
      'none',
      'none',
      'none',
      'none',
      'none',
      'one-split',
      'several-splits',
    ])
    for (const [at, source] of sources.entries()) this.#drawSource(at, source, { scale, late })
    for (const [at, step] of steps.entries()) {
      const made = drawStep(new Dice(step), this.#streams, { number: at + 1, scale, late })
      if (made !== undefined) this.#add(made.step, made.stream)
    }
    return { described: this.#finish(dice, late), late }
  }

  #drawSource(
    at: number,
    source: Choices['sources'][number],
    { scale, late }: { readonly scale: TimeScale; readonly late: LateCase },
  ): void {
    const dice = new Dice(source.shape)
    const role = at === 0 ? 'first' : dice.one(['table', 'like the first', 'table', 'other'] as const)
    // Where one split says what is late, a second one would hold the watermark back.
    if (at > 0 && role !== 'table' && late === 'one-split') return
    const drawn = drawSource(
      dice,
      source.rows.map((row) => new Dice(row)),
      {
        name: `r${at}`,
        scale,
        like: role === 'like the first' ? this.#sources[0] : undefined,
        late: at === 0 ? late : 'none',
      },
    )
    this.#sources.push(drawn)
    this.#streams.push({
      name: drawn.name,
      schema: this.#built.read(drawn).schema,
      isTimed: drawn.eventTime !== undefined,
      isTable: role === 'table',
      hasTies: false,
      isAtEnd: false,
      hasChanges: false,
      mayBeLate: at === 0 && late !== 'none',
      uses: 0,
    })
    if (drawn.eventTime?.onMissing === 'reject' && role !== 'table') this.#readRejected(drawn.name)
  }

  /** What describes a rejected row is no part of the answer: only how many there are, and why. */
  #readRejected(name: string): void {
    const step: StepCase = {
      kind: 'select',
      name: `${name}-why`,
      input: `${name}.rejected`,
      columns: { code: 'code' },
    }
    this.#add(step, { isTimed: false, hasTies: true })
  }

  #add(step: StepCase, stream: Partial<DrawnStream>): void {
    const { schema }: { schema: Schema } = this.#built.add(step)
    this.#steps.push(step)
    const inputs = [step.input, ...(step.kind === 'union' ? step.others : []), ...(step.kind === 'lookup-join' ? [step.table] : []), ...(step.kind === 'interval-join' ? [step.other] : [])] // prettier-ignore
    this.#streams = this.#streams.map((one) =>
      inputs.includes(one.name) ? { ...one, uses: one.uses + 1 } : one,
    )
    this.#streams.push({
      isTimed: true,
      isTable: false,
      hasTies: false,
      isAtEnd: false,
      hasChanges: false,
      mayBeLate: false,
      uses: 0,
      ...stream,
      name: step.name,
      schema,
    })
    if ('onError' in step && step.onError === 'reject' && stream.isTable !== true)
      this.#readRejected(step.name)
  }

  /** What leads nowhere is written; tables that nobody looks into, and what makes them, are left out. */
  #finish(dice: Dice, late: LateCase): PipelineCase {
    const written = this.#streams.filter(({ isTable, uses }) => !isTable && (uses === 0 || dice.chance(5)))
    const lateOutputs = this.#steps.flatMap((step) => {
      if (step.kind !== 'aggregate') return []
      const isNeeded = late === 'several-splits' || dice.chance(3)
      return isNeeded && this.#streams.some(({ name, isTable }) => name === step.name && !isTable)
        ? [`${step.name}.late`]
        : []
    })
    const sides = this.#steps.flatMap((step) => (step.kind === 'process' ? sidesOf(step.fn, step.name) : []))
    const outputs = [...written.map(({ name }) => name), ...lateOutputs, ...sides]
    return withoutUnused({ sources: this.#sources, steps: this.#steps, outputs })
  }
}

const sides: { readonly [fn: string]: string } = {
  'passes rows, some aside': 'odd',
  'tells of quiet times': 'awake',
}

function sidesOf(fn: string, step: string): readonly string[] {
  return sides[fn] === undefined ? [] : [`${step}.${sides[fn]}`]
}

/** Without the sources and steps that no output depends on. */
function withoutUnused({ sources, steps, outputs }: PipelineCase): PipelineCase {
  const wanted = new Set(outputs.map(stepOf))
  for (const step of steps.toReversed()) {
    if (!wanted.has(step.name)) continue
    wanted.add(stepOf(step.input))
    if (step.kind === 'union') for (const other of step.others) wanted.add(stepOf(other))
    if (step.kind === 'lookup-join') wanted.add(stepOf(step.table))
    if (step.kind === 'interval-join') wanted.add(stepOf(step.other))
  }
  return {
    sources: sources.filter(({ name }) => wanted.has(name)),
    steps: steps.filter(({ name }) => wanted.has(name)),
    outputs,
  }
}

function stepOf(stream: string): string {
  return stream.split('.')[0] as string
}
