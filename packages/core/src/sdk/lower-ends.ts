/**
 * The ends of a pipeline: reading from a source and writing to a sink.
 */
import { listNames } from '../data/nearest-names.ts'
import { checkOptionChoice, checkOptionNames } from '../data/option-names.ts'
import { fieldOf } from '../data/schema.ts'
import type { Field, Schema } from '../data/type.ts'
import { typeToString } from '../data/type-text.ts'
import { MillraceError } from '../errors.ts'
import { parseDuration } from '../time/index.ts'
import { LATE_PORT, MAIN_PORT, REJECTED_PORT, rejectedRowSchema } from '../plan/index.ts'
import type { EpochLimits, EventTime, Sink, Source, SourceNode, WatermarkStrategy } from '../plan/index.ts'
import { refuseChanges } from './changes.ts'
import type { Output, PlanDraft, StreamTime } from './draft.ts'
import { bindColumn, bindInput, isUnbound } from './expression-input.ts'
import type { EventTimeInput, ReadOptions } from './read.ts'
import { UndeclaredSourceError } from './undeclared-source.ts'

/** A source step. */
export function lowerRead(
  draft: PlanDraft,
  step: string,
  dataset: unknown,
  options: ReadOptions<never>,
): Output {
  return draft.step(step, () => {
    checkOptionNames(
      'p.read',
      options,
      ['eventTime', 'onError', 'perEpoch'],
      "options of files go to the file's own function",
    )
    checkOptionChoice('onError', options.onError, ['fail', 'reject'])
    checkEventTime(options.eventTime)
    checkLimits(options.perEpoch)
    const source = draft.resolved.get(step) ?? sourceOf(dataset, step)
    const carried = carriedOptions(dataset)
    const eventTime = lowerEventTime(options.eventTime ?? carried.eventTime, source.schema)
    const onError = options.onError ?? carried.onError ?? 'fail'
    const rejects = onError === 'reject' || eventTime?.onMissing === 'reject'
    const node: SourceNode = {
      kind: 'source',
      step,
      inputs: [],
      schema: source.schema,
      sidePorts: rejects ? { [REJECTED_PORT]: rejectedRowSchema } : {},
      source: source.description,
      eventTime,
      pushdown: { columns: undefined, predicate: undefined },
      onError,
      ...(options.perEpoch === undefined ? {} : { perEpoch: options.perEpoch }),
    }
    draft.bindSource(step, source)
    const time = eventTime === undefined ? undefined : timeOf(fieldOf(source.schema, eventTime.column))
    return draft.add(node, { time, changes: false })
  })
}

/** A sink step. */
export function lowerWrite(input: Output, step: string, target: unknown): void {
  input.draft.step(step, () => {
    const sink = sinkOf(target)
    if (sink.accepts === 'append') refuseChanges(input, `the sink ${sink.description.connector}`)
    if (isObject(target) && isSchema(target['schema'])) checkDeclaredColumns(target['schema'], input.schema)
    sink.validate?.(input.schema, step)
    input.draft.bindSink(step, sink)
    input.draft.add(
      {
        kind: 'sink',
        step,
        inputs: [input.connect()],
        schema: input.schema,
        sidePorts: {},
        sink: sink.description,
      },
      input,
    )
  })
}

/** The event time of a source in the plan's form. */
function lowerEventTime(input: EventTimeInput | undefined, schema: Schema): EventTime | undefined {
  if (input === undefined) return undefined
  const options = typeof input === 'string' ? { column: input } : input
  const field = fieldOf(schema, options.column)
  if (!canBeEventTime(field)) {
    throw new MillraceError('plan/type-mismatch', {
      what: `column "${field.name}" cannot be event time`,
      detail: `its type is ${typeToString(field.type)}; a timestamp, a date or a number of milliseconds is needed`,
    })
  }
  return {
    column: field.name,
    watermark: lowerWatermark(options, schema),
    idleAfterMs: options.idleAfter === undefined ? 0 : parseDuration(options.idleAfter),
    onMissing: options.onMissing ?? 'fail',
  }
}

function checkEventTime(input: EventTimeInput | undefined): void {
  if (input === undefined || typeof input === 'string') return
  const isExpression = (value: unknown): boolean => isUnbound(value) || typeof value === 'function'
  if (isExpression(input) || isExpression(input.column)) {
    throw new MillraceError('plan/unsupported', {
      what: 'event time is an expression',
      detail: 'it is read before any step runs, from a column of the source',
      hint: "name a column that is a timestamp, a date or a number of milliseconds: { eventTime: 'at' }",
    })
  }
  checkOptionNames('eventTime', input, ['column', 'disorder', 'watermark', 'idleAfter', 'onMissing'])
  checkOptionChoice('eventTime.onMissing', input.onMissing, ['fail', 'reject'])
  const { column, watermark } = input
  if (typeof column !== 'string') {
    throw new MillraceError('plan/invalid-argument', {
      what: 'event time names no column',
      hint: "name it: eventTime: { column: 'at' }",
    })
  }
  if (typeof watermark !== 'object' || watermark === null) {
    checkOptionChoice('eventTime.watermark', watermark, ['at-end'])
    return
  }
  checkOptionNames('eventTime.watermark', watermark, ['from'])
}

function checkLimits(limits: EpochLimits | undefined): void {
  if (limits === undefined) return
  checkOptionNames('perEpoch', limits, ['maxRows', 'maxBytes', 'maxFiles'])
  for (const [name, value] of Object.entries(limits) as [string, unknown][]) {
    if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 1)) continue
    throw new MillraceError('plan/invalid-argument', {
      what: `option "perEpoch.${name}" has the value ${JSON.stringify(value)}`,
      detail: 'expected a whole number, 1 or more',
    })
  }
}

function lowerWatermark(options: Exclude<EventTimeInput, string>, schema: Schema): WatermarkStrategy {
  const { watermark, disorder } = options
  if (watermark === undefined) {
    return { kind: 'bounded-disorder', disorderMs: disorder === undefined ? 0 : parseDuration(disorder) }
  }
  if (disorder !== undefined) {
    throw new MillraceError('plan/invalid-argument', {
      what: 'event time has both a disorder and a watermark',
      hint: 'a disorder is all that the default watermark needs: leave one of the two out',
    })
  }
  if (watermark === 'at-end') return { kind: 'at-end' }
  const { from } = watermark
  const expression =
    typeof from === 'string' ? bindColumn(from, schema) : bindInput(from, schema, 'the watermark')
  return { kind: 'punctuated', expression }
}

function canBeEventTime({ type }: Field): boolean {
  switch (type.kind) {
    case 'timestamp':
    case 'date':
    case 'int32':
    case 'uint32':
    case 'int64':
    case 'uint64':
    case 'float64':
      return true
    default:
      return false
  }
}

function timeOf({ type }: Field): StreamTime {
  return { zoned: type.kind === 'timestamp' && type.zoned }
}

/** Read options that a dataset brings along (a file's `eventTime`, for example). */
function carriedOptions(dataset: unknown): ReadOptions<never> {
  const { eventTime, onError } = dataset as ReadOptions<never>
  return {
    ...(eventTime === undefined ? {} : { eventTime }),
    ...(onError === undefined ? {} : { onError }),
  }
}

function sourceOf(dataset: unknown, step: string): Source {
  const source =
    isObject(dataset) && typeof dataset['toSource'] === 'function' ? dataset['toSource']() : dataset
  if (
    !isObject(source) ||
    typeof source['enumerate'] !== 'function' ||
    typeof source['open'] !== 'function'
  ) {
    throw new MillraceError('plan/invalid-argument', {
      what: 'what is read is not a source',
      hint: "read a source such as parquet('data/flights.parquet', { schema })",
    })
  }
  const checked = source as unknown as Source
  if (checked.schema !== undefined && checked.schema.fields.length > 0) return checked
  if (checked.resolveSchema !== undefined) throw new UndeclaredSourceError(step, checked)
  throw new MillraceError('schema/invalid', {
    what: 'the source has no schema',
    hint: 'declare one with schema({ … })',
  })
}

function sinkOf(target: unknown): Sink {
  const sink = isObject(target) && typeof target['toSink'] === 'function' ? target['toSink']() : target
  if (
    isObject(sink) &&
    typeof sink['open'] === 'function' &&
    isObject(sink['description']) &&
    !('enumerate' in sink)
  ) {
    return sink as unknown as Sink
  }
  throw new MillraceError('plan/invalid-argument', {
    what: 'what is written to is not a sink',
    hint: "write to a sink such as parquet('out/hourly') or toConsole()",
  })
}

function isObject(
  value: unknown,
): value is { readonly [name: string]: unknown; toSource?(): unknown; toSink?(): unknown } {
  return (typeof value === 'object' || typeof value === 'function') && value !== null
}

function isSchema(value: unknown): value is Schema {
  return isObject(value) && Array.isArray(value['fields'])
}

/** A dataset with a schema is read by it: rows that are written there have at least its columns. */
function checkDeclaredColumns(declared: Schema, written: Schema): void {
  for (const { name, type } of declared.fields) {
    const field = written.fields.find((one) => one.name === name)
    if (field === undefined) {
      throw new MillraceError('plan/type-mismatch', {
        what: `the schema of the output has a column "${name}", which the rows do not have`,
        detail: `the rows have ${listNames(written.fields.map((one) => one.name))}`,
        hint: 'select the columns of the schema before writing, or leave the schema out: it then follows the rows',
      })
    }
    if (valueKind(field.type) === valueKind(type)) continue
    throw new MillraceError('plan/type-mismatch', {
      what: `column "${name}" does not fit the schema of the output`,
      detail: `it is of type ${typeToString(field.type)}, the schema says ${typeToString(type)}`,
      hint: 'cast it before writing, or leave the schema out: it then follows the rows',
    })
  }
}

/** Numbers of all widths are read as each other. */
function valueKind({ kind }: Schema['fields'][number]['type']): string {
  return /^(u?int|float)/.test(kind) ? 'number' : kind
}

/** Whether a name is one of the ports that Millrace gives to steps itself. */
export function isReservedPort(name: string): boolean {
  return name === MAIN_PORT || name === LATE_PORT || name === REJECTED_PORT
}
