/**
 * Code for parts of timestamps, cutting them to units, and time zones, on counts since 1970 in float64.
 *
 * `floor(x / width) * width` is exact for safe x: see generate-numbers.ts on quotients.
 */
import type { DataType, Interval } from '../data/type.ts'
import { isMillraceError } from '../errors.ts'
import { zoneOf } from '../time/index.ts'
import type { Zone } from '../time/index.ts'
import type { Code, ScalarCode } from './code.ts'
import { anyNull } from './code.ts'
import type { CallExpression, Expression } from './expression.ts'
import { checkRange } from './generate-numbers.ts'
import type { Generator, Template } from './generator.ts'
import { fieldName } from './time-fields.ts'
import { unitsPerSecond } from './types.ts'

type TimestampType = Extract<DataType, { kind: 'timestamp' }>

function constantText(part: Expression | undefined): string | undefined {
  return part?.kind === 'literal' && typeof part.value === 'string' ? part.value : undefined
}

/** The zone of a constant; undefined leaves an absent or wrong one to the reference, which words the error. */
function constantZone(part: Expression | undefined): Zone | undefined {
  const name = constantText(part)
  if (name === undefined) return undefined
  try {
    return zoneOf(name)
  } catch (error) {
    if (isMillraceError(error)) return undefined
    throw error
  }
}

/** Code of the local time of a variable in a zone. */
function localCode(generator: Generator, value: string, zone: Zone | undefined, type: TimestampType): string {
  if (zone === undefined) return value
  const perMs = unitsPerSecond(type.unit) / 1000
  const ms = perMs === 1 ? value : `Math.floor(${value} / ${perMs})`
  return generator.temp(`${value} + ${generator.constant(zone)}.offsetAt(${ms}) * ${perMs}`)
}

/** Code of the point in time of a local time in a zone. */
function instantCode(
  generator: Generator,
  local: string,
  zone: Zone | undefined,
  type: TimestampType,
): string {
  if (zone === undefined) return local
  const perMs = unitsPerSecond(type.unit) / 1000
  const name = generator.constant(zone)
  if (perMs === 1) return generator.temp(`${name}.toInstant(${local})`)
  const ms = generator.temp(`Math.floor(${local} / ${perMs})`)
  return generator.temp(`${name}.toInstant(${ms}) * ${perMs} + (${local} - ${ms} * ${perMs})`)
}

/** The operand in a variable; where it is null its number means nothing and does no harm. */
function moment(generator: Generator, part: Expression): ScalarCode {
  const code = generator.generate(part) as ScalarCode
  return { ...code, value: generator.temp(code.isNull === 'false' ? code.value : `(${code.isNull}) ? 0 : ${code.value}`) }
} // prettier-ignore

const widths: { readonly [unit: string]: number } = { second: 1, minute: 60, hour: 3600, day: 86_400 }

/** Code of a local time cut to a unit. */
function truncated(
  generator: Generator,
  unit: string,
  local: string,
  type: TimestampType,
): string | undefined {
  const perSecond = unitsPerSecond(type.unit)
  const width =
    (widths[unit] ?? (unit === 'millisecond' ? 1e-3 : unit === 'microsecond' ? 1e-6 : 0)) * perSecond
  if (width > 0) return width <= 1 ? local : generator.temp(`Math.floor(${local} / ${Math.round(width)}) * ${Math.round(width)}`) // prettier-ignore
  const perDay = 86_400 * perSecond
  const day = `Math.floor(${local} / ${perDay})`
  if (unit === 'month') return generator.temp(`h.monthStart(${day}) * ${perDay}`)
  if (unit === 'week') {
    // Weeks begin on Mondays, and 1970 on a Thursday.
    const [week, monday] = [7 * perDay, 4 * perDay]
    return generator.temp(`Math.floor((${local} - ${monday}) / ${week}) * ${week} + ${monday}`)
  }
  return generator.temp(`h.truncateDay(${generator.constant(unit)}, ${day}) * ${perDay}`)
}

const dateTrunc: Template = (generator, call) => {
  const [unitPart, part, zonePart] = call.arguments as [Expression, Expression, Expression?]
  if (call.type.kind !== 'timestamp') return undefined
  const unit = fieldName(constantText(unitPart) ?? '')
  const zone = constantZone(zonePart)
  if (zonePart !== undefined && zone === undefined) return undefined
  const { type } = call
  const operand = moment(generator, part)
  const local = localCode(generator, operand.value, zone, type)
  const cut = truncated(generator, unit, local, type)
  if (cut === undefined) return undefined
  const isClock = unit.endsWith('second') || unit === 'minute' || unit === 'hour'
  let value = cut
  if (zone !== undefined) value = isClock ? generator.temp(`${operand.value} - (${local} - ${cut})`) : instantCode(generator, cut, zone, type) // prettier-ignore
  checkRange(generator, value, type)
  return { form: 'scalar', value, isNull: operand.isNull }
}

/** Code of a field of the clock of a local time, or undefined for a field of the calendar. */
function clockCode(
  generator: Generator,
  field: string,
  local: string,
  type: TimestampType,
): string | undefined {
  const perSecond = unitsPerSecond(type.unit)
  const within = (value: string, size: number): string => {
    const whole = generator.temp(value)
    return `${whole} - Math.floor(${whole} / ${size}) * ${size}`
  }
  const inMinute = (): string => generator.temp(within(local, 60 * perSecond))
  switch (field) {
    case 'hour':
      return within(`Math.floor(${local} / ${3600 * perSecond})`, 24)
    case 'minute':
      return within(`Math.floor(${local} / ${60 * perSecond})`, 60)
    case 'second':
      return `${inMinute()} / ${perSecond}`
    case 'millisecond':
      return `${inMinute()} * 1000 / ${perSecond}`
    case 'microsecond':
      return `Math.floor(${inMinute()} * 1000000 / ${perSecond})`
    default:
      return undefined
  }
}

const dayKernels: { readonly [field: string]: string } = {
  year: 'yearOfDay',
  month: 'monthOfDay',
  day: 'dayOfMonth',
}

/** Code of a field of the calendar, of days since 1970. */
function dayCode(generator: Generator, field: string, written: string): string {
  const day = generator.temp(written)
  const kernel = dayKernels[field]
  if (kernel !== undefined) return `h.${kernel}(${day})`
  if (field === 'quarter') return `Math.floor((h.monthOfDay(${day}) + 2) / 3)`
  if (field === 'dow') return `${day} + 4 - Math.floor((${day} + 4) / 7) * 7`
  if (field === 'isodow') return `${day} + 4 - Math.floor((${day} + 3) / 7) * 7`
  return `h.dateField(${generator.constant(field)}, ${day})`
}

const datePart: Template = (generator, call) => {
  const [fieldPart, part, zonePart] = call.arguments as [Expression, Expression, Expression?]
  const field = fieldName(constantText(fieldPart) ?? '')
  const { type } = part
  const zone = constantZone(zonePart)
  if (field === 'julian') return undefined
  if ((type.kind !== 'date' && type.kind !== 'timestamp') || (zonePart !== undefined && zone === undefined)) return undefined
  const operand = moment(generator, part)
  const { isNull } = operand
  if (type.kind === 'date') return scalar(generator, dayCode(generator, field, operand.value), isNull)
  const perSecond = unitsPerSecond(type.unit)
  if (field === 'epoch') return scalar(generator, `${operand.value} / ${perSecond}`, isNull)
  const local = localCode(generator, operand.value, zone, type)
  const clock = clockCode(generator, field, local, type)
  return scalar(generator, clock ?? dayCode(generator, field, `Math.floor(${local} / ${86_400 * perSecond})`), isNull)
} // prettier-ignore

function scalar(generator: Generator, value: string, isNull: string): Code {
  return { form: 'scalar', value: generator.temp(value), isNull }
}

const timeZone: Template = (generator, call: CallExpression) => {
  const [zonePart, part] = call.arguments as [Expression, Expression]
  const zone = constantZone(zonePart)
  if (zone === undefined || part.type.kind !== 'timestamp') return undefined
  const operand = moment(generator, part)
  const convert = part.type.zoned ? localCode : instantCode
  const value = convert(generator, operand.value, zone, part.type)
  checkRange(generator, value, call.type)
  return { form: 'scalar', value, isNull: operand.isNull }
}

const epochMs: Template = (generator, call) => {
  const [part] = call.arguments as [Expression]
  const code = generator.generate(part) as ScalarCode
  if (part.type.kind !== 'timestamp') return code
  const perMs = unitsPerSecond(part.type.unit) / 1000
  return perMs === 1 ? code : { ...code, value: generator.temp(`Math.floor(${code.value} / ${perMs})`) }
}

/** Bins of a constant width without months, from 1970 or a constant origin of the same unit. */
const dateBin: Template = (generator, call) => {
  const [width, part, origin] = call.arguments as [Expression, Expression, Expression?]
  const { type } = call
  if (width.kind !== 'literal' || width.value === null || type.kind !== 'timestamp') return undefined
  const { months, days, micros } = width.value as unknown as Interval
  const perSecond = unitsPerSecond(type.unit)
  const units = (days * 86_400 + micros / 1e6) * perSecond
  if (months !== 0 || !Number.isSafeInteger(units) || units <= 0) return undefined
  if (origin !== undefined && (origin.kind !== 'literal' || origin.value === null || (origin.type as TimestampType).unit !== type.unit)) return undefined
  const from = origin === undefined ? 0 : Number(origin.value)
  if (!Number.isSafeInteger(from)) return undefined
  const operand = moment(generator, part)
  const shifted = generator.temp(from === 0 ? operand.value : `${operand.value} - (${from})`)
  checkRange(generator, shifted, type)
  const value = generator.temp(`Math.floor(${shifted} / ${units}) * ${units}${from === 0 ? '' : ` + (${from})`}`)
  checkRange(generator, value, type)
  return { form: 'scalar', value, isNull: operand.isNull }
} // prettier-ignore

/** Differences in units of fixed length. */
const dateDiff: Template = (generator, call) => {
  const [unitPart, from, to] = call.arguments as [Expression, Expression, Expression]
  const unit = fieldName(constantText(unitPart) ?? '')
  const perSecond = unitsPerSecond((from.type as TimestampType).unit)
  const width = (unit === 'week' ? 604_800 : (widths[unit] ?? 0)) * perSecond
  if (width === 0) return undefined
  const offset = unit === 'week' ? 4 * 86_400 * perSecond : 0
  const [a, b] = [moment(generator, from), moment(generator, to)]
  const border = (value: string): string => `Math.floor((${value} - ${offset}) / ${width})`
  const value = generator.temp(`${border(b.value)} - ${border(a.value)}`)
  return { form: 'scalar', value, isNull: anyNull([a.isNull, b.isNull]) }
}

/** Templates by function name. */
export const timeTemplates: readonly (readonly [string, Template])[] = [
  ['date_trunc', dateTrunc],
  ['date_part', datePart],
  ['timezone', timeZone],
  ['epoch_ms', epochMs],
  ['date_bin', dateBin],
  ['date_diff', dateDiff],
]
