/**
 * Code for parts of timestamps, cutting them to units, and time zones, on counts since 1970 in float64.
 *
 * `floor(x / width) * width` is exact for safe x: see generate-numbers.ts on quotients.
 */
import type { DataType, Interval } from '../data/type.ts'
import { isMillraceError } from '../errors.ts'
import { zoneOf } from '../time/index.ts'
import type { Zone } from '../time/index.ts'
import type { AnyCode, Code, PairCode, ScalarCode } from './code.ts'
import { anyNull } from './code.ts'
import type { CallExpression, Expression, LiteralExpression } from './expression.ts'
import { checkRange } from './generate-numbers.ts'
import { asPair, asScalar, checkPair, guardedPair, nearest, subtractPairs } from './generate-wide.ts'
import { fromMs, wholeMs } from './generate-wide-numbers.ts'
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
function moment(generator: Generator, any: AnyCode): ScalarCode {
  const code = (any.form === 'pair' ? asScalar(generator, any) : any) as ScalarCode
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

const milliseconds = (type: TimestampType): TimestampType => ({ ...type, unit: 'ms' })

/** A timestamp beyond float64 in milliseconds, and the units beyond them. */
function wideMoment(
  generator: Generator,
  code: PairCode,
  type: TimestampType,
): { readonly ms: string; readonly rest: string; readonly perMs: number } {
  const perMs = unitsPerSecond(type.unit) / 1000
  const pair = asPair(generator, code)
  const { ms, rest } = wholeMs(generator, pair, perMs)
  return { ms: generator.temp(code.isNull === 'false' ? ms : `(${code.isNull}) ? 0 : ${ms}`), rest, perMs }
}

/** Units of a millisecond and more do not see what lies below it; only microseconds of nanoseconds do. */
function wideTrunc(generator: Generator, code: PairCode, unit: string, zone: Zone | undefined, type: TimestampType): AnyCode | undefined {
  const pair = asPair(generator, code)
  const { ms, rest, perMs } = wideMoment(generator, pair, type)
  if (unit === 'microsecond') {
    const below = perMs === 1e6 ? generator.temp(`${rest} % 1000`) : '0'
    return guardedPair(generator, pair.isNull, () => checkPair(generator, subtractPairs(generator, [pair.high, pair.low], ['0', below]), type))
  }
  const inMs = milliseconds(type)
  const local = localCode(generator, ms, zone, inMs)
  const cut = truncated(generator, unit, local, inMs)
  if (cut === undefined) return undefined
  const isClock = unit.endsWith('second') || unit === 'minute' || unit === 'hour'
  const value = zone === undefined ? cut : isClock ? generator.temp(`${ms} - (${local} - ${cut})`) : instantCode(generator, cut, zone, inMs)
  return guardedPair(generator, pair.isNull, () => checkPair(generator, fromMs(generator, value, perMs, '0'), type))
} // prettier-ignore

const dateTrunc: Template = (generator, call) => {
  const [unitPart, part, zonePart] = call.arguments as [Expression, Expression, Expression?]
  if (call.type.kind !== 'timestamp') return undefined
  const unit = fieldName(constantText(unitPart) ?? '')
  const zone = constantZone(zonePart)
  if (zonePart !== undefined && zone === undefined) return undefined
  const { type } = call
  const any = generator.generateAny(part)
  if (any.form === 'pair') return wideTrunc(generator, any, unit, zone, type)
  const operand = moment(generator, any)
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
  const any = generator.generateAny(part)
  if (any.form === 'pair') return widePart(generator, any, field, zone, type as TimestampType)
  const operand = moment(generator, any)
  const { isNull } = operand
  if (type.kind === 'date') return scalar(generator, dayCode(generator, field, operand.value), isNull)
  const perSecond = unitsPerSecond(type.unit)
  if (field === 'epoch') return scalar(generator, `${operand.value} / ${perSecond}`, isNull)
  const local = localCode(generator, operand.value, zone, type)
  const clock = clockCode(generator, field, local, type)
  return scalar(generator, clock ?? dayCode(generator, field, `Math.floor(${local} / ${86_400 * perSecond})`), isNull)
} // prettier-ignore

function widePart(generator: Generator, code: PairCode, field: string, zone: Zone | undefined, type: TimestampType): Code {
  const { isNull } = code
  if (field === 'epoch') return scalar(generator, `${nearest(asPair(generator, code))} / ${unitsPerSecond(type.unit)}`, isNull)
  const { ms, rest, perMs } = wideMoment(generator, code, type)
  const inMs = milliseconds(type)
  const local = localCode(generator, ms, zone, inMs)
  const inMinute = (): string => generator.temp(`(${local} - Math.floor(${local} / 60000) * 60000) * ${perMs} + ${rest}`)
  const perSecond = unitsPerSecond(type.unit)
  switch (field) {
    case 'second':
      return scalar(generator, `${inMinute()} / ${perSecond}`, isNull)
    case 'millisecond':
      return scalar(generator, `${inMinute()} * 1000 / ${perSecond}`, isNull)
    case 'microsecond':
      return scalar(generator, `Math.floor(${inMinute()} * 1000000 / ${perSecond})`, isNull)
    default: {
      const clock = clockCode(generator, field, local, inMs)
      return scalar(generator, clock ?? dayCode(generator, field, `Math.floor(${local} / 86400000)`), isNull)
    }
  }
} // prettier-ignore

function scalar(generator: Generator, value: string, isNull: string): Code {
  return { form: 'scalar', value: generator.temp(value), isNull }
}

const timeZone: Template = (generator, call: CallExpression) => {
  const [zonePart, part] = call.arguments as [Expression, Expression]
  const zone = constantZone(zonePart)
  if (zone === undefined || part.type.kind !== 'timestamp') return undefined
  const any = generator.generateAny(part)
  const { type } = part
  const convert = part.type.zoned ? localCode : instantCode
  if (any.form === 'pair') {
    const { ms, rest, perMs } = wideMoment(generator, any, type)
    const moved = convert(generator, ms, zone, milliseconds(type))
    return guardedPair(generator, any.isNull, () => checkPair(generator, fromMs(generator, moved, perMs, rest), call.type)) // prettier-ignore
  }
  const operand = moment(generator, any)
  const value = convert(generator, operand.value, zone, part.type)
  checkRange(generator, value, call.type)
  return { form: 'scalar', value, isNull: operand.isNull }
}

const epochMs: Template = (generator, call) => {
  const [part] = call.arguments as [Expression]
  const any = generator.generateAny(part)
  if (any.form === 'pair') {
    if (part.type.kind !== 'timestamp') return asScalar(generator, any)
    if (part.type.unit === 'ms') return any
    return { form: 'scalar', value: wideMoment(generator, any, part.type).ms, isNull: any.isNull }
  }
  const code = any as ScalarCode
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
  const any = generator.generateAny(part)
  if (any.form === 'pair') return wideBin(generator, any, units, origin as LiteralExpression | undefined, type)
  if (!Number.isSafeInteger(from)) return undefined
  const operand = moment(generator, any)
  const shifted = generator.temp(from === 0 ? operand.value : `${operand.value} - (${from})`)
  checkRange(generator, shifted, type)
  const value = generator.temp(`Math.floor(${shifted} / ${units}) * ${units}${from === 0 ? '' : ` + (${from})`}`)
  checkRange(generator, value, type)
  return { form: 'scalar', value, isNull: operand.isNull }
} // prettier-ignore

/** Bins of whole milliseconds. */
function wideBin(generator: Generator, code: PairCode, units: number, origin: LiteralExpression | undefined, type: TimestampType): AnyCode | undefined {
  const perMs = unitsPerSecond(type.unit) / 1000
  const from = origin === undefined ? 0n : BigInt(origin.value as string)
  if (units % perMs !== 0 || from % BigInt(perMs) !== 0n) return undefined
  const [width, start] = [units / perMs, Number(from / BigInt(perMs))]
  const { ms } = wideMoment(generator, code, type)
  const bin = generator.temp(`Math.floor((${ms} - (${start})) / ${width}) * ${width} + (${start})`)
  return guardedPair(generator, code.isNull, () => checkPair(generator, fromMs(generator, bin, perMs, '0'), type))
} // prettier-ignore

/** Differences in units of fixed length. */
const dateDiff: Template = (generator, call) => {
  const [unitPart, from, to] = call.arguments as [Expression, Expression, Expression]
  const unit = fieldName(constantText(unitPart) ?? '')
  const perSecond = unitsPerSecond((from.type as TimestampType).unit)
  const width = (unit === 'week' ? 604_800 : (widths[unit] ?? 0)) * perSecond
  if (width === 0) return undefined
  const offset = unit === 'week' ? 4 * 86_400 * perSecond : 0
  const border = (part: Expression): ScalarCode => {
    const any = generator.generateAny(part)
    const { isNull } = any
    if (any.form !== 'pair') return { form: 'scalar', value: `Math.floor((${moment(generator, any).value} - ${offset}) / ${width})`, isNull }
    const { ms, perMs } = wideMoment(generator, any, part.type as TimestampType)
    return { form: 'scalar', value: `Math.floor((${ms} - ${offset / perMs}) / ${width / perMs})`, isNull }
  } // prettier-ignore
  const [a, b] = [border(from), border(to)]
  const value = generator.temp(`${b.value} - ${a.value}`)
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
