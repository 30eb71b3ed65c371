/**
 * Aggregates lowered to the plan: the builder object behind `a`, and the nodes of a windowed aggregation.
 *
 * Aggregates take columns only, so expressions and filters become columns of a projection before the aggregation
 * (step `NAME/input`); equal ones are computed once. The rewrite rules later keep only the columns that are needed.
 */
import { checkOptionNames } from '../data/option-names.ts'
import { fieldOf, makeSchema } from '../data/schema.ts'
import type { DataType, Field, Json, Schema } from '../data/type.ts'
import type { ColumnType } from '../data/builder.ts'
import { MillraceError } from '../errors.ts'
import { aggregateType, digest, LATE_PORT } from '../plan/index.ts'
import type { AggregateCall, AggregateName, Expression, NamedExpression, WindowSpec } from '../plan/index.ts'
import type { Output, StreamTime } from './draft.ts'
import { refuseChanges } from './changes.ts'
import { bindColumn, bindCondition, bindInput, truthAsNumber } from './expression-input.ts'
import type { ExpressionInput } from './expression-input.ts'
import { checkFunction } from './lower-rows.ts'
import { addTransform, allColumns } from './lower-transform.ts'
import { lateOutput } from './side-outputs.ts'

/** What one call on the builder recorded. */
class AskedAggregate {
  readonly aggregate: AggregateName
  readonly inputs: readonly ExpressionInput[]
  readonly parameters: { readonly [name: string]: Json }
  readonly definition: { readonly type: ColumnType; readonly uses?: readonly string[] } | undefined
  readonly condition: ExpressionInput | undefined

  constructor(
    aggregate: AggregateName,
    inputs: readonly ExpressionInput[],
    rest: Partial<Pick<AskedAggregate, 'parameters' | 'definition' | 'condition'>> = {},
  ) {
    this.aggregate = aggregate
    this.inputs = inputs
    this.parameters = rest.parameters ?? {}
    this.definition = rest.definition
    this.condition = rest.condition
  }

  filter(condition: ExpressionInput): AskedAggregate {
    if (this.condition !== undefined) {
      throw new MillraceError('plan/invalid-argument', {
        what: `the aggregate ${this.aggregate} has two filters`,
        hint: 'join the conditions with `and` in one filter',
      })
    }
    return new AskedAggregate(this.aggregate, this.inputs, {
      parameters: this.parameters,
      definition: this.definition,
      condition,
    })
  }
}

/** Values that `top` and `collect` keep at most. */
const KEPT_MAX = 100_000

const customFunctions = ['create', 'add', 'merge', 'result']

type Definition = NonNullable<AskedAggregate['definition']>

/** The object behind `a`, without types. */
const builder = Object.freeze({
  count: (input?: ExpressionInput) => new AskedAggregate('count', input === undefined ? [] : [input]),
  sum: (input: ExpressionInput) => new AskedAggregate('sum', [input]),
  min: (input: ExpressionInput) => new AskedAggregate('min', [input]),
  max: (input: ExpressionInput) => new AskedAggregate('max', [input]),
  mean: (input: ExpressionInput) => new AskedAggregate('mean', [input]),
  variance: (input: ExpressionInput) => new AskedAggregate('variance', [input]),
  stddev: (input: ExpressionInput) => new AskedAggregate('stddev', [input]),
  quantile: (input: ExpressionInput, q: number) => {
    if (!(q >= 0 && q <= 1))
      throw invalid('quantile', `its share is ${q}`, 'give a number from 0 to 1, such as 0.95')
    return new AskedAggregate('quantile', [input], { parameters: { q } })
  },
  countDistinct: (input: ExpressionInput) => new AskedAggregate('count-distinct', [input]),
  approximateDistinct: (input: ExpressionInput, options: { precision?: number } = {}) => {
    checkOptionNames('approximateDistinct', options, ['precision'])
    const { precision = 14 } = options
    checkCount('approximateDistinct', 'precision', precision, 4, 18)
    return new AskedAggregate('approximate-distinct', [input], { parameters: { precision } })
  },
  first: (input: ExpressionInput) => new AskedAggregate('first', [input]),
  last: (input: ExpressionInput) => new AskedAggregate('last', [input]),
  top: (
    input: ExpressionInput,
    n: number,
    options: { order?: 'asc' | 'desc'; columns?: readonly string[] } = {},
  ) => {
    checkOptionNames('top', options, ['order', 'columns'])
    const { order = 'desc', columns } = options
    checkCount('top', 'number of values', n, 1, KEPT_MAX)
    if (order !== 'asc' && order !== 'desc')
      throw invalid('top', `its order is ${String(order)}`, "use 'asc' or 'desc'")
    const parameters: { [name: string]: Json } = { n, order, ...(columns === undefined ? {} : { columns }) }
    return new AskedAggregate('top', [input, ...(columns ?? [])], { parameters })
  },
  collect: (input: ExpressionInput, options: { max?: number } = {}) => {
    checkOptionNames('collect', options, ['max'])
    const { max = 1000 } = options
    checkCount('collect', 'max', max, 1, KEPT_MAX)
    return new AskedAggregate('collect', [input], { parameters: { max } })
  },
  custom: (definition: Definition & { readonly [name: string]: unknown }) => {
    // Instances of classes may have members of their own.
    if (Object.getPrototypeOf(definition) === Object.prototype)
      checkOptionNames('custom', definition, [...customFunctions, 'type', 'uses'])
    for (const name of customFunctions) {
      checkFunction(definition[name], `the function "${name}" of a custom aggregate`)
    }
    if (definition.type?.type === undefined)
      throw invalid('custom', 'it has no type', 'give it one, such as t.float64()')
    return new AskedAggregate('user', definition.uses ?? [], { definition })
  },
})

/** Arguments that each takes at most; what stands behind them would be ignored. */
const argumentsMax: { readonly [name: string]: number } = {
  quantile: 2,
  approximateDistinct: 2,
  top: 3,
  collect: 2,
}

/** The builder, refusing arguments that nobody reads. */
const checkedBuilder = Object.freeze(
  Object.fromEntries(
    Object.entries(builder).map(([name, make]) => [
      name,
      (...given: readonly unknown[]): unknown => {
        const most = argumentsMax[name] ?? 1
        if (given.length > most && given[most] !== undefined)
          throw invalid(
            name,
            `it takes ${most === 1 ? 'one argument' : `${most} arguments`}, not ${given.length}`,
            'leave the others out; a condition is written .filter(…)',
          )
        return (make as (...rest: readonly unknown[]) => unknown)(...given)
      },
    ]),
  ),
) as unknown as typeof builder

/** What a windowed aggregation needs to know. */
export interface AggregateInput {
  readonly keys: readonly string[]
  readonly window: WindowSpec
  readonly allowedLatenessMs: number
  readonly build: unknown
}

/** The outputs of a windowed aggregation. */
export interface AggregateOutputs {
  readonly main: Output
  readonly late: Output
}

/** An aggregation per key and window. */
export function lowerAggregate(input: Output, step: string, options: AggregateInput): AggregateOutputs {
  return input.draft.step(step, () => {
    refuseChanges(input, 'an aggregation')
    checkFunction(options.build, 'the function that names the aggregates')
    const asked: unknown = (options.build as (a: typeof builder) => unknown)(checkedBuilder)
    const projection = new AggregateProjection(input.schema)
    const aggregates = namedEntries(asked).map(([name, one]) =>
      lowerCall(name, one, { input, step, projection }),
    )
    const schema = resultSchema(input, options, aggregates)
    const prepared =
      projection.added.length === 0
        ? input
        : addTransform(input, `${step}/input`, {
            outputs: [...allColumns(input.schema), ...projection.added],
          })
    const { keys, window, allowedLatenessMs } = options
    const main = input.draft.add(
      {
        kind: 'window-aggregate',
        step,
        inputs: [prepared.connect()],
        schema,
        sidePorts: { [LATE_PORT]: prepared.schema },
        keys,
        window,
        aggregates,
        allowedLatenessMs,
      },
      // A window that may fire again takes back what it said before.
      { time: window.kind === 'global' ? undefined : input.time, changes: allowedLatenessMs > 0 },
    )
    return { main, late: lateOutput(input, step, prepared.schema) }
  })
}

/** Columns that are computed before the aggregation, each once. */
class AggregateProjection {
  readonly schema: Schema
  readonly added: NamedExpression[] = []
  private readonly byContent = new Map<string, string>()

  constructor(schema: Schema) {
    this.schema = schema
  }

  /** The column that holds an expression's value; `wanted` names it if it must be made. */
  columnFor(expression: Expression, wanted: string): string {
    if (expression.kind === 'column') return expression.name
    const content = digest(expression)
    const present = this.byContent.get(content)
    if (present !== undefined) return present
    let name = wanted
    while (this.schema.fields.some((field) => field.name === name)) name += '~'
    this.byContent.set(content, name)
    this.added.push({ name, expression })
    return name
  }
}

interface CallContext {
  readonly input: Output
  readonly step: string
  readonly projection: AggregateProjection
}

function lowerCall(name: string, asked: AskedAggregate, context: CallContext): AggregateCall {
  const { schema } = context.input
  const bound = asked.inputs.map((input) => bindAggregateInput(asked, input, schema, name))
  const columns = bound.map((one, at) =>
    context.projection.columnFor(one, at === 0 ? `${name}~input` : `${name}~input${at}`),
  )
  const { condition } = asked
  const filter =
    condition === undefined
      ? undefined
      : context.projection.columnFor(bindCondition(condition, schema), `${name}~filter`)
  const result = resultType(name, asked, bound)
  return {
    name,
    aggregate: asked.aggregate,
    columns:
      asked.aggregate === 'user' && asked.inputs.length === 0
        ? schema.fields.map((one) => one.name)
        : columns,
    filter,
    parameters: asked.parameters,
    functionId:
      asked.definition === undefined
        ? undefined
        : context.input.draft.bindFunction(`${context.step}/${name}`, asked.definition),
    type: result.type,
    nullable: result.nullable,
  }
}

function bindAggregateInput(
  asked: AskedAggregate,
  input: ExpressionInput,
  schema: Schema,
  name: string,
): Expression {
  const bound =
    typeof input === 'string' ? bindColumn(input, schema) : bindInput(input, schema, `aggregate "${name}"`)
  return asked.aggregate === 'mean' && bound.type.kind === 'boolean' ? truthAsNumber(bound) : bound
}

function resultType(
  name: string,
  asked: AskedAggregate,
  bound: readonly Expression[],
): { readonly type: DataType; readonly nullable: boolean } {
  const { aggregate, definition } = asked
  if (aggregate === 'user') {
    const { type, isNullable } = (definition as Definition).type
    return { type, nullable: isNullable }
  }
  const fields = bound.map((one): Field => ({
    name: one.kind === 'column' ? one.name : name,
    type: one.type,
    nullable: one.nullable,
  }))
  const result = aggregateType(aggregate, fields[0], asked.condition !== undefined)
  if (aggregate !== 'top' || fields.length === 1) return result
  const element: DataType = { kind: 'struct', fields: fields.slice(1) }
  return { type: { kind: 'list', element: { type: element, nullable: false } }, nullable: false }
}

function resultSchema(input: Output, options: AggregateInput, aggregates: readonly AggregateCall[]): Schema {
  const keys = options.keys.map((name) => fieldOf(input.schema, name))
  const bounds = options.window.kind === 'global' ? [] : windowFields(input.time)
  const fields = [
    ...keys,
    ...bounds,
    ...aggregates.map(({ name, type, nullable }) => ({ name, type, nullable })),
  ]
  const seen = new Set<string>()
  for (const { name } of fields) {
    if (seen.has(name)) {
      throw new MillraceError('plan/invalid-name', {
        what: `column "${name}" stands twice in the result`,
        detail: 'a result has the keys, windowStart and windowEnd, and the aggregates',
        hint: 'give the aggregate another name',
      })
    }
    seen.add(name)
  }
  return makeSchema(fields)
}

/** The window columns; with a zone when the event time has one. */
function windowFields(time: StreamTime | undefined): Field[] {
  const type: DataType = { kind: 'timestamp', unit: 'ms', zoned: time?.zoned ?? false }
  return [
    { name: 'windowStart', type, nullable: false },
    { name: 'windowEnd', type, nullable: false },
  ]
}

function namedEntries(asked: unknown): [string, AskedAggregate][] {
  const entries = typeof asked === 'object' && asked !== null ? Object.entries(asked) : []
  if (entries.length === 0) {
    throw new MillraceError('plan/invalid-argument', {
      what: 'the step asks for no aggregate',
      hint: 'give an object, for example (a) => ({ rows: a.count() })',
    })
  }
  for (const [name, one] of entries) {
    if (!(one instanceof AskedAggregate)) {
      throw new MillraceError('plan/invalid-argument', {
        what: `"${name}" is not an aggregate`,
        hint: `call a method of the argument, for example (a) => ({ ${name}: a.count() })`,
      })
    }
  }
  return entries as [string, AskedAggregate][]
}

function checkCount(aggregate: string, what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw invalid(aggregate, `its ${what} is ${value}`, `give a whole number from ${least} to ${most}`)
}

function invalid(aggregate: string, detail: string, hint: string): MillraceError {
  return new MillraceError('plan/invalid-argument', {
    what: `the aggregate ${aggregate} cannot be computed`,
    detail,
    hint,
  })
}
