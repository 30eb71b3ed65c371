/**
 * The plan while it is being written: every call of the SDK adds a node here, in the order of the calls.
 *
 * One draft per build of a pipeline. Streams hold an `Output` of the draft; once the build is over the draft is closed
 * and a stream that escaped from it can no longer be used.
 */
import { MillraceError, withContext } from '../errors.ts'
import type { Schema } from '../data/type.ts'
import { ancestorsOf, freezeDeep, MAIN_PORT, tableSources } from '../plan/index.ts'
import type { BuiltPlan, Input, LogicalNode, LogicalPlan, Sink, Source } from '../plan/index.ts'
import { checkName } from './names.ts'
import { UndeclaredSourceError } from './undeclared-source.ts'
import { withFramesOf, withOrigin } from './user-frames.ts'

/** What a stream's rows know of event time; undefined: they have none. */
export interface StreamTime {
  /** Whether the column that gave the event time has a zone; the window columns follow it. */
  readonly zoned: boolean
}

/** What all rows of a stream have in common. */
export interface StreamTraits {
  readonly time: StreamTime | undefined
  /** Rows have weights: a later row may take back an earlier one (a changelog). */
  readonly changes: boolean
}

/** An output of a step, as the steps behind it see it. */
export interface Output extends StreamTraits {
  readonly draft: PlanDraft
  readonly schema: Schema
  /** The edge to read it by. Called by each reader: steps that exist only when somebody reads are added then. */
  readonly connect: () => Input
}

/** A plan under construction. */
export class PlanDraft {
  readonly name: string
  private readonly nodes = new Map<string, LogicalNode>()
  private readonly sources = new Map<string, Source>()
  private readonly sinks = new Map<string, Sink>()
  private readonly functions = new Map<string, unknown>()
  /** Where each step was made: an error that is never thrown, for its stack. */
  private readonly origins = new Map<string, Error>()
  private open = true

  /** Sources whose columns were found by looking at them, by step. */
  readonly resolved: ReadonlyMap<string, Source>

  constructor(name: string, resolved: ReadonlyMap<string, Source> = new Map()) {
    this.name = name
    this.resolved = resolved
  }

  /** Runs what makes one step: checks its name first, and names the step and its line in every error that comes out. */
  step<Result>(name: string, make: () => Result): Result {
    checkName('step', name)
    try {
      if (!this.open) throw this.closed()
      const present = this.nodes.get(name)
      if (present !== undefined) throw duplicate(present, this.origins.get(name))
      return make()
    } catch (error) {
      if (error instanceof UndeclaredSourceError) throw error
      throw withFramesOf(withContext(error, { step: name }), new Error('the step was written here'))
    }
  }

  /** Adds a node and gives its main output. */
  add(node: LogicalNode, traits: StreamTraits): Output {
    const present = this.nodes.get(node.step)
    if (present !== undefined) throw duplicate(present, this.origins.get(node.step))
    this.origins.set(node.step, new Error(`step "${node.step}" was first made here`))
    this.nodes.set(node.step, freezeDeep(node))
    return this.output({ step: node.step, port: MAIN_PORT }, node.schema, traits)
  }

  /** An output of a node that was added. */
  output(input: Input, schema: Schema, { time, changes }: StreamTraits): Output {
    return { draft: this, schema, time, changes, connect: () => input }
  }

  /** Whether a step that was added has a further output of that name. */
  hasPort(step: string, port: string): boolean {
    return Object.hasOwn(this.nodes.get(step)?.sidePorts ?? {}, port)
  }

  bindSource(step: string, source: Source): void {
    this.sources.set(step, source)
  }

  /** Refuses a sink that would share with another what each of them must have for itself. */
  bindSink(step: string, sink: Sink): void {
    for (const [other, { exclusive, description }] of this.sinks) {
      if (exclusive === undefined || exclusive !== sink.exclusive) continue
      if (description.connector !== sink.description.connector) continue
      throw new MillraceError('plan/invalid-argument', {
        what: `output "${exclusive}" is written by step "${other}" already`,
        hint: 'give each sink an output of its own, or write the union of the streams: .union(other).write(…)',
      })
    }
    this.sinks.set(step, sink)
  }

  /** Keeps a user function (or an object of functions) beside the plan; gives the id to refer to it by. */
  bindFunction(id: string, value: unknown): string {
    this.functions.set(id, value)
    return id
  }

  /** Refuses a stream of another pipeline, or of another build of this one. */
  checkOwn(output: Output): void {
    if (output.draft === this) return
    const what =
      output.draft.name === this.name
        ? `a stream of an earlier build of pipeline "${this.name}" is used`
        : `a stream of pipeline "${output.draft.name}" is used in pipeline "${this.name}"`
    throw new MillraceError('plan/foreign-stream', {
      what,
      hint: 'make every stream from the `p` of the function that builds the pipeline',
    })
  }

  /** Ends the construction: the plan, with every step on a way to a sink. */
  finish(): BuiltPlan {
    this.open = false
    const plan = freezeDeep({ name: this.name, nodes: [...this.nodes.values()] })
    checkSinks(plan, this.origins)
    checkTables(plan, this.origins)
    return {
      plan,
      bindings: { sources: this.sources, sinks: this.sinks, functions: this.functions },
    }
  }

  private closed(): MillraceError {
    return new MillraceError('plan/foreign-stream', {
      what: `pipeline "${this.name}" was already built when a step was added`,
      hint: 'add every step inside the function that builds the pipeline, before it returns',
    })
  }
}

/** Where each step was made. */
type Origins = ReadonlyMap<string, Error>

/** Refuses a plan in which some rows lead nowhere. */
function checkSinks({ name, nodes }: LogicalPlan, origins: Origins): void {
  if (!nodes.some((node) => node.kind === 'sink')) {
    throw new MillraceError('plan/no-sink', {
      what: `pipeline "${name}" writes nothing`,
      hint: "end each stream with .write('name', sink); toConsole() shows rows on screen",
    })
  }
  const read = new Set<string>()
  for (const node of nodes.toReversed()) {
    if (node.kind !== 'sink' && !read.has(node.step))
      throw withOrigin(unread(node.step), origins.get(node.step))
    for (const { step } of node.inputs) read.add(step)
  }
}

/** Refuses a source of which a lookup join makes its table while its rows also flow: neither could go first. */
function checkTables(plan: LogicalPlan, origins: Origins): void {
  const tables = tableSources(plan)
  for (const node of plan.nodes) {
    const table = node.kind === 'lookup-join' ? node.inputs[1] : undefined
    if (table === undefined) continue
    const before = ancestorsOf(plan, [table.step])
    const flowing = plan.nodes.find(
      ({ kind, step }) => kind === 'source' && before.has(step) && !tables.has(step),
    )
    if (flowing === undefined) continue
    const error = new MillraceError('plan/unsupported', {
      what: `source "${flowing.step}" is the table of a lookup join and a stream as well`,
      detail: 'a table is read whole before the streams flow',
      hint: 'read the source a second time, under another step name, for the table',
      step: node.step,
    })
    throw withOrigin(error, origins.get(node.step))
  }
}

function unread(step: string): MillraceError {
  return new MillraceError('plan/no-sink', {
    what: `nothing is done with the rows of step "${step}"`,
    hint: "write them with .write('name', sink), or remove the step",
    step: step.split('/')[0],
  })
}

function duplicate({ step, kind }: LogicalNode, origin: Error | undefined): MillraceError {
  return new MillraceError('plan/duplicate-step', {
    what: `step "${step}" exists already`,
    detail: `its first use is a step of kind ${kind}`,
    hint: `names identify steps and their state: give each its own, such as "${step}-2" (a function that makes steps takes a name)`,
    step,
    cause: origin,
  })
}
