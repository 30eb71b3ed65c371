/**
 * Pipelines: a name and a function that builds the plan. The default export of a pipeline's module.
 *
 * Building is deterministic: every worker imports the module and builds the same plan again (checked by its hash), so
 * the function may depend on its options and on nothing that changes.
 */
import type { Schema } from '../data/type.ts'
import { checkOptionNames } from '../data/option-names.ts'
import { isMillraceError, MillraceError, withContext } from '../errors.ts'
import { buildHash } from '../plan/index.ts'
import type { BuiltPlan, Source } from '../plan/index.ts'
import { PlanDraft } from './draft.ts'
import { streamOf } from './handles.ts'
import { lowerRead } from './lower-ends.ts'
import { misplacedMethodHint } from './misplaced-method.ts'
import { checkName } from './names.ts'
import { OptionReader } from './options.ts'
import type {
  DeclaredOption,
  DurationOptionDeclaration,
  OptionDeclaration,
  OptionValues,
  Widened,
} from './options.ts'
import type { Readable, ReadOptions } from './read.ts'
import type { RejectingStream } from './stream.ts'
import { UndeclaredSourceError } from './undeclared-source.ts'
import type { SourceHost } from './undeclared-source.ts'

const brand: unique symbol = Symbol.for('millrace.pipeline') as never

/** What the function of a pipeline builds with. */
export interface PipelineBuilder {
  /**
   * Declares an option and gives its value: the default, or what `--set name=value` says. The option's type follows
   * from its default; with `type: 'duration'` the value is in milliseconds.
   *
   * @example
   * ```ts in-pipeline
   * const input = p.option('input', { default: 'data/flights.parquet', description: 'file, glob or directory' })
   * const size = p.option('window', { type: 'duration', default: '1 hour' })
   * ```
   */
  option(name: string, declaration: DurationOptionDeclaration): number
  option<const Value extends string | number | boolean>(
    name: string,
    declaration: OptionDeclaration<Value> & { readonly choices: readonly Value[] },
  ): Value
  option<Value extends string | number | boolean>(
    name: string,
    declaration: OptionDeclaration<Value>,
  ): Widened<Value>

  /**
   * Reads a source; the row type is that of its schema.
   *
   * @example
   * ```ts in-pipeline
   * const flights = p.read('flights', parquet('data/flights.parquet', { schema: Flight }), {
   *   eventTime: { column: 'date', disorder: '5 s' },
   * })
   * ```
   */
  read<Row>(name: string, dataset: Readable<Row>, options?: ReadOptions<NoInfer<Row>>): RejectingStream<Row>
}

/** How to build. */
export interface BuildOptions {
  /** Values of options, as `--set` gives them. */
  readonly set?: OptionValues
  /** Builds twice and compares, so that a pipeline that changes from build to build is refused. Default true. */
  readonly check?: boolean
}

/** A plan, the objects it refers to, and the options it was built with. */
export interface BuiltPipeline extends BuiltPlan {
  readonly options: readonly DeclaredOption[]
  /** Source steps whose columns were not declared, with those that were found. */
  readonly inferred: readonly { readonly step: string; readonly schema: Schema }[]
}

/** A pipeline. */
export interface Pipeline {
  readonly [brand]: true
  readonly name: string
  /**
   * Builds the plan. Nothing is read or written.
   *
   * @throws MillraceError with a `plan/…`, `expression/…`, `schema/…` or `option/…` code that names the step.
   */
  build(options?: BuildOptions): BuiltPipeline
  /**
   * Builds the plan, looking first at the inputs of sources for which no schema was declared.
   *
   * @throws MillraceError as `build` does, and what looking at an input throws.
   */
  buildOn(host: SourceHost, options?: BuildOptions): Promise<BuiltPipeline>
}

/**
 * Makes a pipeline: the default export of a module that `millrace run` takes.
 *
 * @example
 * ```ts
 * import { pipeline, schema, t, tumbling } from 'millrace'
 * import { parquet } from 'millrace/files'
 *
 * const Flight = schema({ date: t.timestamp('ms'), origin: t.string(), delay: t.int32() })
 *
 * export default pipeline('flight-delays', (p) => {
 *   const flights = p.read('flights', parquet('data/flights.parquet', { schema: Flight, eventTime: 'date' }))
 *   flights
 *     .keyBy('by-origin', 'origin')
 *     .window(tumbling('1 hour'))
 *     .aggregate('hourly', (a) => ({ flights: a.count(), meanDelay: a.mean('delay') }))
 *     .write('out', parquet('out/hourly'))
 * })
 * ```
 * @throws MillraceError `plan/invalid-name`
 */
export function pipeline(name: string, build: (p: PipelineBuilder) => void): Pipeline {
  checkName('pipeline', name)
  if (typeof build !== 'function') {
    throw new MillraceError('plan/invalid-argument', {
      what: `pipeline "${name}" has no function that builds it`,
      hint: "write pipeline('name', (p) => { … })",
    })
  }
  return Object.freeze({
    [brand]: true as const,
    name,
    build: (options: BuildOptions = {}) => buildPipeline({ name, build, options, resolved: new Map() }),
    buildOn: (host: SourceHost, options: BuildOptions = {}) =>
      buildLooking({ name, build, options, resolved: new Map() }, host),
  })
}

/** Tells whether a value is a pipeline, also one of another copy of the package. */
export function isPipeline(value: unknown): value is Pipeline {
  return typeof value === 'object' && value !== null && brand in value
}

/** One call of `build`. */
interface BuildCall {
  readonly name: string
  readonly build: (p: PipelineBuilder) => void
  readonly options: BuildOptions
  readonly resolved: ReadonlyMap<string, Source>
}

function buildPipeline(call: BuildCall): BuiltPipeline {
  const first = Object.keys(call.options).find((name) => name !== 'set' && name !== 'check') ?? 'name'
  const hint = `options of the pipeline are set so: build({ set: { ${first}: … } })`
  checkOptionNames('build', call.options, ['set', 'check'], hint)
  const built = buildOnce(call)
  if (call.options.check === false) return built
  const again = buildOnce(call)
  if (buildHash(built) === buildHash(again)) return built
  throw new MillraceError('plan/not-deterministic', {
    what: `pipeline "${call.name}" gave two different plans when it was built twice`,
    detail: firstDifference(built, again),
    hint: 'build from options and constants only: no clock, no random numbers, no counters outside the function',
  })
}

/** Builds again for each source that had to be looked at; there are finitely many, since each is found once. */
async function buildLooking(call: BuildCall, host: SourceHost): Promise<BuiltPipeline> {
  const resolved = new Map(call.resolved)
  for (;;) {
    try {
      return buildPipeline({ ...call, resolved })
    } catch (error) {
      if (!(error instanceof UndeclaredSourceError) || resolved.has(error.sourceStep)) throw error
      resolved.set(error.sourceStep, await look(error, host))
    }
  }
}

async function look({ source, sourceStep: step }: UndeclaredSourceError, host: SourceHost): Promise<Source> {
  try {
    const found = await source.resolveSchema?.(host)
    if (found !== undefined && found.schema.fields.length > 0) return found
  } catch (error) {
    throw withContext(error, { step })
  }
  throw new MillraceError('schema/not-inferable', { what: 'the source has no columns', step })
}

function buildOnce({ name, build, options: { set = {} }, resolved }: BuildCall): BuiltPipeline {
  const draft = new PlanDraft(name, resolved)
  const reader = new OptionReader(set)
  const builder = {
    option: (option: string, declaration: Parameters<OptionReader['read']>[1]) =>
      reader.read(option, declaration),
    read: (step: string, dataset: unknown, options: ReadOptions<never> = {}) =>
      streamOf(lowerRead(draft, step, dataset, options)),
  } as unknown as PipelineBuilder
  const result = runBuild(draft, build, builder)
  if (result instanceof Promise) {
    // A rejection nobody waits for would end the process.
    result.catch(() => undefined)
    throw new MillraceError('plan/invalid-argument', {
      what: `the function of pipeline "${name}" is asynchronous`,
      hint: 'load what it needs at the top of the module, with a top-level await',
    })
  }
  // Names that --set got wrong explain most other errors, so they are told first.
  const options = reader.finish()
  const inferred = [...resolved].map(([step, { schema }]) => ({ step, schema }))
  return { ...draft.finish(), options, inferred }
}

function runBuild(draft: PlanDraft, build: (p: PipelineBuilder) => void, builder: PipelineBuilder): unknown {
  try {
    return build(builder)
  } catch (cause) {
    if (isMillraceError(cause)) throw cause
    throw new MillraceError('pipeline/module-failed', {
      what: `the function of pipeline "${draft.name}" threw`,
      detail: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause),
      hint: misplacedMethodHint(cause),
      cause,
    })
  }
}

function firstDifference(a: BuiltPlan, b: BuiltPlan): string {
  for (const [at, node] of a.plan.nodes.entries()) {
    const other = b.plan.nodes[at]
    if (other === undefined) return `step "${node.step}" was there only the first time`
    if (node.step !== other.step) return `step "${node.step}" became "${other.step}"`
    if (JSON.stringify(node) !== JSON.stringify(other)) return `step "${node.step}" changed`
  }
  const more = b.plan.nodes[a.plan.nodes.length]
  return more === undefined
    ? 'the text of a function changed'
    : `step "${more.step}" was there only the second time`
}
