/**
 * Code for casts between text and other types (generator.ts): plain forms are read and written as bytes, and the
 * reference is asked about every other row by itself. How numbers are cast
 * to each other is generate-numbers.ts.
 */
import type { DataType } from '../data/type.ts'
import type { Code, ScalarCode, TextCode } from './code.ts'
import type { CallExpression, Expression } from './expression.ts'
import { castNumbers, checkRange } from './generate-numbers.ts'
import { asRange, made } from './generate-text.ts'
import type { Generator, Template } from './generator.ts'
import { isInteger, unitsPerSecond } from './types.ts'

/** The kernel that reads a type from text, and its further arguments; undefined leaves it to the reference. */
function readerOf(to: DataType): readonly [kernel: string, rest: string] | undefined {
  switch (to.kind) {
    case 'float64':
      return ['readFloatText', '']
    case 'decimal':
      return ['readDecimalText', `, ${to.scale}`]
    case 'date':
      return ['readDateText', '']
    case 'timestamp':
      return ['readTimestampText', '']
    default:
      return isInteger(to) ? ['readIntegerText', ''] : undefined
  }
}

/** Code that reads a number, a date or a timestamp from text. */
function castFromText(generator: Generator, call: CallExpression): Code | undefined {
  const reader = readerOf(call.type)
  if (reader === undefined) return undefined
  const code = asRange(generator, generator.generate(call.arguments[0] as Expression))
  if (code === undefined || code.isNull === 'true') return undefined
  const text = generator.keep(code) as TextCode
  const [kernel, rest] = reader
  const value = generator.name()
  generator.line(`let ${value} = 0`)
  const { lines } = generator.capture(() => {
    generator.line(`${value} = h.${kernel}(${text.bytes}, ${text.start}, ${text.length}${rest})`)
    const perMs = call.type.kind === 'timestamp' ? unitsPerSecond(call.type.unit) / 1000 : 1
    if (perMs !== 1) generator.line(`${value} *= ${perMs}`)
    generator.orReference(value, call, text)
    if (call.type.kind !== 'float64') checkRange(generator, value, call.type)
  })
  if (text.isNull !== 'false') generator.line(`if (!(${text.isNull})) {`)
  generator.append(lines)
  if (text.isNull !== 'false') generator.line('}')
  return { form: 'scalar', value, isNull: text.isNull }
}

/** The method of the arena that writes a type as text, and its further arguments. */
function writerOf(from: DataType): readonly [method: string, rest: string] | undefined {
  switch (from.kind) {
    case 'decimal':
      return ['writeDecimal', `, ${from.scale}`]
    case 'float64':
      return ['writeFloat', '']
    case 'date':
      return ['writeDate', '']
    case 'timestamp':
      return ['writeTimestamp', `, ${unitsPerSecond(from.unit)}, ${from.zoned}`]
    default:
      return isInteger(from) ? ['writeDecimal', ', 0'] : undefined
  }
}

/** Code that writes a number, a date or a timestamp as text. */
function castToText(generator: Generator, call: CallExpression): Code | undefined {
  const writer = writerOf((call.arguments[0] as Expression).type)
  if (writer === undefined || call.type.kind !== 'string') return undefined
  const code = generator.generate(call.arguments[0] as Expression) as ScalarCode
  const [method, rest] = writer
  return made(generator, code.isNull, method, `${code.value}${rest}`)
}

const cast: Template = (generator, call) => {
  if (call.arguments[0]?.type.kind === 'string') return castFromText(generator, call)
  return call.type.kind === 'string' ? castToText(generator, call) : castNumbers(generator, call)
}

/** Templates by function name. */
export const castTemplates: readonly (readonly [string, Template])[] = [['cast', cast]]
