/**
 * A described pipeline built with the public builder, as a program would.
 */
import { makeSchema } from '../../data/index.ts'
import type { Schema } from '../../data/index.ts'
import { memoryRows } from '../../connect/index.ts'
import type { Sink } from '../../connect/index.ts'
import { sqlText } from '../../expr/index.ts'
import type { SqlExpression } from '../../expr/index.ts'
import { globalWindow, pipeline, session, sliding, tumbling } from '../../sdk/index.ts'
import type { Pipeline, PipelineBuilder } from '../../sdk/index.ts'
import { valueOfJson } from './cell-json.ts'
import type { AggregateCase, ColumnsCase, PipelineCase, SourceCase, StepCase } from './description.ts'
import { additions, expansions, filters, ownAggregate } from './functions.ts'
import { processes } from './processes.ts'

/** A stream, and what may be asked of it, without the types that a program would have. */
export interface AnyStream {
  readonly schema: Schema
  readonly late: AnyStream
  readonly rejected: AnyStream
  side(name: string): AnyStream
  write(name: string, sink: Sink): void
  window(window: unknown, options: object): AnyStream
  aggregate(name: string, make: (a: AnyAggregates) => object): AnyStream
  keyBy(name: string, keys: unknown): AnyStream
  process(name: string, definition: unknown): AnyStream
  join(name: string, right: AnyStream, options: object): AnyStream
  where(name: string, condition: SqlExpression): AnyStream
  select(name: string, columns: object): AnyStream
  extend(name: string, columns: object): AnyStream
  omit(name: string, ...columns: readonly string[]): AnyStream
  notNull(name: string, ...columns: readonly string[]): AnyStream
  rename(name: string, names: object): AnyStream
  filter(name: string, fn: unknown, options: object): AnyStream
  with(name: string, types: object, fn: unknown, options: object): AnyStream
  map(name: string, schema: Schema, fn: unknown, options: object): AnyStream
  flatMap(name: string, schema: Schema, fn: unknown, options: object): AnyStream
  union(name: string, ...others: readonly AnyStream[]): AnyStream
  lookupJoin(name: string, table: AnyStream, options: object): AnyStream
}

interface AnyAggregate {
  filter(condition: SqlExpression): AnyAggregate
}

type AnyAggregates = { readonly [method: string]: (...given: readonly unknown[]) => AnyAggregate }

/** Makes the pipeline; each output goes to the sink of its name. */
export function pipelineOf(described: PipelineCase, sinkOf: (output: string) => Sink): Pipeline {
  return pipeline('generated', (p) => {
    const streams = new CaseStreams(p)
    for (const source of described.sources) streams.read(source)
    for (const step of described.steps) streams.add(step)
    for (const output of described.outputs) streams.get(output).write(sinkName(output), sinkOf(output))
  })
}

/** The step that writes an output. */
export function sinkName(output: string): string {
  return `${output.replaceAll('.', '-')}-out`
}

/** The rows of a source by split, as memoryRows cuts them. */
export function splitsOf({ columns, rows, splits }: SourceCase): readonly (readonly object[])[] {
  const all = rows.map((row) =>
    Object.fromEntries(columns.map(({ name, type }, at) => [name, valueOfJson(type, row[at] ?? null)])),
  )
  return Array.from({ length: splits }, (_, split) =>
    all.slice(Math.floor((all.length * split) / splits), Math.floor((all.length * (split + 1)) / splits)),
  )
}

/** Streams by name, while a pipeline is built. */
export class CaseStreams {
  readonly #p: PipelineBuilder
  readonly #streams = new Map<string, AnyStream>()

  constructor(p: PipelineBuilder) {
    this.#p = p
  }

  /** A stream by its name, or a further output of its step by `step.port`. */
  get(name: string): AnyStream {
    const [step = '', port] = name.split('.')
    const stream = this.#streams.get(step)
    if (stream === undefined) throw new Error(`no step gives ${name}`)
    if (port === undefined) return stream
    if (port === 'late' || port === 'rejected') return stream[port]
    return stream.side(port)
  }

  read(source: SourceCase): AnyStream {
    const { name, columns, splits, eventTime } = source
    const rows = splitsOf(source).flat()
    const stream = this.#p.read(
      name,
      memoryRows(makeSchema([...columns]) as Schema<object>, rows, { splits }),
      eventTime === undefined ? {} : ({ eventTime: eventTimeOf(eventTime) } as object),
    ) as unknown as AnyStream
    this.#streams.set(name, stream)
    return stream
  }

  add(step: StepCase): AnyStream {
    const stream = this.#made(step, this.get(step.input))
    this.#streams.set(step.name, stream)
    return stream
  }

  #made(step: StepCase, input: AnyStream): AnyStream {
    const { name } = step
    switch (step.kind) {
      case 'where':
        return input.where(name, sqlText(step.condition))
      case 'select':
        return input.select(name, expressions(step.columns))
      case 'extend':
        return input.extend(name, expressions(step.columns))
      case 'omit':
        return input.omit(name, ...step.columns)
      case 'not-null':
        return input.notNull(name, ...step.columns)
      case 'rename':
        return input.rename(name, step.columns)
      case 'union':
        return input.union(name, ...step.others.map((other) => this.get(other)))
      case 'lookup-join': {
        const { on, select, join } = step
        return input.lookupJoin(name, this.get(step.table), { on, select, join })
      }
      case 'interval-join': {
        const { on, join, select, condition, withinMs } = step
        const right = this.get(step.other).keyBy(`${name}-other`, Object.values(on))
        return input.keyBy(`${name}-key`, Object.keys(on)).join(name, right, {
          within: withinMs.map((ms) => `${ms} ms`),
          join,
          select,
          ...(condition === undefined ? {} : { where: sqlText(condition) }),
        })
      }
      case 'aggregate':
        return aggregated(step, input)
      case 'process':
        return input
          .keyBy(`${name}-key`, expressions(step.keys))
          .process(name, found(processes, step.fn).make(step, input.schema))
      default:
        return withFunction(step, input)
    }
  }
}

function eventTimeOf({ column, watermark, onMissing }: NonNullable<SourceCase['eventTime']>): object {
  return typeof watermark === 'number'
    ? { column, onMissing, disorder: watermark }
    : { column, onMissing, watermark }
}

function expressions(columns: ColumnsCase): { readonly [column: string]: SqlExpression } {
  return Object.fromEntries(Object.entries(columns).map(([name, text]) => [name, sqlText(text)]))
}

function found<Entry>(table: { readonly [name: string]: Entry }, name: string): Entry {
  const entry = table[name]
  if (entry === undefined) throw new Error(`no function "${name}"`)
  return entry
}

function withFunction(
  step: Extract<StepCase, { kind: 'filter' | 'with' | 'map' | 'flat-map' }>,
  input: AnyStream,
): AnyStream {
  const { name, onError } = step
  if (step.kind === 'filter') return input.filter(name, found(filters, step.fn)(step), { onError })
  if (step.kind === 'with') {
    const { types, fn } = found(additions, step.fn)(step)
    return input.with(name, types, fn, { onError })
  }
  const { schema, fn } = found(expansions, step.fn)(step, input.schema)
  if (step.kind === 'flat-map') return input.flatMap(name, schema, fn, { onError })
  return input.map(name, schema, (row: never) => fn(row)[0], { onError })
}

function aggregated(step: Extract<StepCase, { kind: 'aggregate' }>, input: AnyStream): AnyStream {
  const { name, keys, window, allowedLatenessMs: allowedLateness } = step
  const keyed = Object.keys(keys).length === 0 ? input : input.keyBy(`${name}-key`, expressions(keys))
  return keyed
    .window(windowOf(window), { allowedLateness })
    .aggregate(name, (a) => Object.fromEntries(step.aggregates.map((one) => [one.name, aggregateOf(a, one)])))
}

function windowOf(window: Extract<StepCase, { kind: 'aggregate' }>['window']): unknown {
  switch (window.kind) {
    case 'tumbling':
      return tumbling(window.sizeMs, { offset: window.offsetMs })
    case 'sliding':
      return sliding(window.sizeMs, window.slideMs, { offset: window.offsetMs, gaps: true })
    case 'session':
      return session(window.gapMs)
    case 'global':
      return globalWindow()
  }
}

const methods = {
  'count-distinct': 'countDistinct',
  'approximate-distinct': 'approximateDistinct',
} as { readonly [aggregate: string]: string | undefined }

function aggregateOf(a: AnyAggregates, one: AggregateCase): AnyAggregate {
  if (one.aggregate === 'user') return own(a, one)
  const input = one.input === undefined ? [] : [columnOrSql(one)]
  const made = (a[methods[one.aggregate] ?? one.aggregate] as AnyAggregates[string])(...input, ...rest(one))
  return one.filter === undefined ? made : made.filter(sqlText(one.filter))
}

function own(a: AnyAggregates, { parameters, filter }: AggregateCase): AnyAggregate {
  const made = (a['custom'] as AnyAggregates[string])(
    ownAggregate(parameters['columns'] as readonly string[]),
  )
  return filter === undefined ? made : made.filter(sqlText(filter))
}

/** `top` takes the name of a column. */
function columnOrSql({ aggregate, input = '' }: AggregateCase): unknown {
  return aggregate === 'top' ? input : sqlText(input)
}

function rest({ aggregate, parameters }: AggregateCase): readonly unknown[] {
  const { q, n, ...options } = parameters
  if (aggregate === 'quantile') return [q]
  if (aggregate === 'top') return [n, options]
  return Object.keys(options).length === 0 ? [] : [options]
}
