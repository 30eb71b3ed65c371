/**
 * A described pipeline as the TypeScript that a person would have written: to be read, and to be put into a test.
 *
 * Functions of the library keep their names: `additions`, `expansions` and `filters` are those of functions.ts, `processes` those
 * of processes.ts.
 */
import { makeSchema, schemaToSource } from '../../data/index.ts'
import type { WindowSpec } from '../../plan/index.ts'
import { valueOfJson } from './cell-json.ts'
import type { AggregateCase, ColumnsCase, PipelineCase, SourceCase, StepCase } from './description.ts'

/** The body of a pipeline's function. */
export function programOf({ sources, steps, outputs }: PipelineCase): string {
  return [
    ...sources.map(readOf),
    ...steps.map((step) => `const ${step.name.replaceAll('-', '_')} = ${stepOf(step)}`),
    ...outputs.map(
      (output) => `${streamOf(output)}.write('${output.replaceAll('.', '-')}-out', memorySink())`,
    ),
  ].join('\n')
}

function readOf({ name, columns, rows, splits, eventTime }: SourceCase): string {
  const lines = rows.map((row) => {
    const cells = columns.map(
      ({ name: column, type }, at) =>
        `${JSON.stringify(column)}: ${literal(valueOfJson(type, row[at] ?? null))}`,
    )
    return `  { ${cells.join(', ')} },`
  })
  const watermark =
    typeof eventTime?.watermark === 'number'
      ? `disorder: ${eventTime.watermark}`
      : `watermark: ${JSON.stringify(eventTime?.watermark)}`
  const time =
    eventTime === undefined
      ? ''
      : `, { eventTime: { column: '${eventTime.column}', ${watermark}, onMissing: '${eventTime.onMissing}' } }`
  const declared = schemaToSource(makeSchema([...columns]))
  return `const ${name} = p.read('${name}', memoryRows(${declared}, [\n${lines.join('\n')}\n], { splits: ${splits} })${time})`
}

function literal(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (value instanceof Uint8Array) return `Uint8Array.of(${[...value].join(', ')})`
  if (value instanceof Map) return `new Map(${literal([...(value as Map<unknown, unknown>)])})`
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${literal(one)}`)
  return `{ ${members.join(', ')} }`
}

function stepOf(step: StepCase): string {
  const input = streamOf(step.input)
  const name = `'${step.name}'`
  switch (step.kind) {
    case 'where':
      return `${input}.where(${name}, ${sqlOf(step.condition)})`
    case 'select':
    case 'extend':
      return `${input}.${step.kind}(${name}, ${columnsOf(step.columns)})`
    case 'omit':
      return `${input}.omit(${name}, ${listOf(step.columns)})`
    case 'not-null':
      return `${input}.notNull(${name}, ${listOf(step.columns)})`
    case 'rename':
      return `${input}.rename(${name}, ${JSON.stringify(step.columns)})`
    case 'union':
      return `${input}.union(${[name, ...step.others.map(streamOf)].join(', ')})`
    case 'lookup-join': {
      const { on, select, join } = step
      return `${input}.lookupJoin(${name}, ${streamOf(step.table)}, ${JSON.stringify({ on, select, join })})`
    }
    case 'interval-join': {
      const { on, select, join, withinMs, condition } = step
      const within = withinMs.map((ms) => `'${ms} ms'`).join(', ')
      const where = condition === undefined ? '' : `, where: ${sqlOf(condition)}`
      const right = `${streamOf(step.other)}.keyBy('${step.name}-other', ${JSON.stringify(Object.values(on))})`
      const left = `${input}.keyBy('${step.name}-key', ${JSON.stringify(Object.keys(on))})`
      return `${left}.join(${name}, ${right}, { within: [${within}], join: '${join}', select: ${JSON.stringify(select)}${where} })`
    }
    case 'aggregate':
      return aggregateStep(step, input)
    case 'process':
      return `${input}.keyBy('${step.name}-key', ${columnsOf(step.keys)}).process(${name}, processes[${JSON.stringify(step.fn)}].make(${callOf(step)}, ${input}.schema))`
    default: {
      const options = `{ onError: '${step.onError}' }`
      if (step.kind === 'filter')
        return `${input}.filter(${name}, filters[${JSON.stringify(step.fn)}](${callOf(step)}), ${options})`
      if (step.kind === 'with')
        return `((f) => ${input}.with(${name}, f.types, f.fn, ${options}))(additions[${JSON.stringify(step.fn)}](${callOf(step)}))`
      const [method, fn] = step.kind === 'map' ? ['map', '(row) => f.fn(row)[0]'] : ['flatMap', 'f.fn']
      return `((f) => ${input}.${method}(${name}, f.schema, ${fn}, ${options}))(expansions[${JSON.stringify(step.fn)}](${callOf(step)}, ${input}.schema))`
    }
  }
}

function aggregateStep(step: Extract<StepCase, { kind: 'aggregate' }>, input: string): string {
  const keyed =
    Object.keys(step.keys).length === 0
      ? input
      : `${input}.keyBy('${step.name}-key', ${columnsOf(step.keys)})`
  const lateness = step.allowedLatenessMs > 0 ? `, { allowedLateness: ${step.allowedLatenessMs} }` : ''
  const aggregates = step.aggregates.map((one) => `${one.name}: ${aggregateOf(one)}`)
  return `${keyed}.window(${windowOf(step.window)}${lateness}).aggregate('${step.name}', (a) => ({ ${aggregates.join(', ')} }))`
}

function windowOf(window: WindowSpec): string {
  switch (window.kind) {
    case 'tumbling':
      return `tumbling(${window.sizeMs}, { offset: ${window.offsetMs} })`
    case 'sliding':
      return `sliding(${window.sizeMs}, ${window.slideMs}, { offset: ${window.offsetMs}, gaps: true })`
    case 'session':
      return `session(${window.gapMs})`
    case 'global':
      return 'globalWindow()'
  }
}

function aggregateOf({ aggregate, input, filter, parameters }: AggregateCase): string {
  const { q, n, ...options } = parameters
  const filtered = filter === undefined ? '' : `.filter(${sqlOf(filter)})`
  if (aggregate === 'user')
    return `a.custom(ownAggregate(${JSON.stringify(parameters['columns'])}))${filtered}`
  const method = aggregate.replace(/-d/, 'D')
  const first = input === undefined ? [] : [aggregate === 'top' ? `'${input}'` : sqlOf(input)]
  const number = q ?? n
  const given = [
    ...first,
    ...(number === undefined ? [] : [JSON.stringify(number)]),
    ...(Object.keys(options).length === 0 ? [] : [JSON.stringify(options)]),
  ]
  return `a.${method}(${given.join(', ')})${filtered}`
}

function callOf({ fn, columns, settings }: Extract<StepCase, { fn: string }>): string {
  return JSON.stringify({ fn, columns, settings })
}

function columnsOf(columns: ColumnsCase): string {
  const entries = Object.entries(columns).map(([name, text]) => `${JSON.stringify(name)}: ${sqlOf(text)}`)
  return `{ ${entries.join(', ')} }`
}

function listOf(names: readonly string[]): string {
  return names.map((name) => JSON.stringify(name)).join(', ')
}

function sqlOf(text: string): string {
  return `sql\`${text}\``
}

function streamOf(stream: string): string {
  const [step = '', port] = stream.split('.')
  const name = step.replaceAll('-', '_')
  if (port === undefined) return name
  return port === 'late' || port === 'rejected' ? `${name}.${port}` : `${name}.side('${port}')`
}
