/**
 * The generated code behind `BatchBuilder.appendRow`: one function per schema that takes a row object apart.
 *
 * Common cases (a number in range, a string, a boolean) are inline; everything else, and every refusal, goes through
 * the interpreted `writeValue`. Builder arrays are read anew for each row, because a row can make them grow.
 */
import type { ColumnBuilder } from './column-builder.ts'
import { canGenerate, generate } from './generate.ts'
import type { DataType, Schema } from './type.ts'
import { writeValue } from './write-value.ts'

/** Writes a row object to row `index` of the builders. */
export type RowWriter = (columns: readonly ColumnBuilder[], index: number, row: object) => void

const writers = new WeakMap<Schema, RowWriter>()

/** The row writer of a schema; made once. */
export function rowWriterOf(schema: Schema): RowWriter {
  let writer = writers.get(schema)
  if (writer === undefined) {
    writer = canGenerate() ? generateRowWriter(schema) : interpretRowWriter(schema)
    writers.set(schema, writer)
  }
  return writer
}

/** The twin that needs no generated code. */
export function interpretRowWriter(schema: Schema): RowWriter {
  const names = schema.fields.map((field) => field.name)
  return (columns, index, row) => {
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string
      writeValue(columns[i] as ColumnBuilder, index, (row as Record<string, unknown>)[name], name)
    }
  }
}

function generateRowWriter(schema: Schema): RowWriter {
  const names = schema.fields.map((field) => field.name)
  const lines = schema.fields.map((field, i) => {
    const fast = fastCase(field.type, i)
    const slow = `write(columns[${i}], index, v${i}, names[${i}]);`
    return `const v${i} = row[names[${i}]];\n${fast === undefined ? slow : `${fast} else ${slow}`}`
  })
  const body = `return (columns, index, row) => {\n${lines.join('\n')}\n};`
  return generate<(names: readonly string[], write: typeof writeValue) => RowWriter>(
    ['names', 'write'],
    body,
  )(names, writeValue)
}

/** The inline case of a type as `if (…) …;`, or undefined when it has none. */
function fastCase(type: DataType, i: number): string | undefined {
  const store = (condition: string, value: string = `v${i}`): string =>
    `if (${condition}) columns[${i}].values[index] = ${value};`
  // Bit operators throw for bigints and symbols and call `valueOf` of objects: numbers only.
  const whole = (condition: string): string => store(`typeof v${i} === 'number' && (${condition})`)
  switch (type.kind) {
    case 'boolean':
      return store(`typeof v${i} === 'boolean'`, `v${i} ? 1 : 0`)
    case 'int8':
      return whole(`v${i} << 24 >> 24 === v${i}`)
    case 'int16':
      return whole(`v${i} << 16 >> 16 === v${i}`)
    case 'int32':
      return whole(`(v${i} | 0) === v${i}`)
    case 'uint8':
      return whole(`(v${i} & 255) === v${i}`)
    case 'uint16':
      return whole(`(v${i} & 65535) === v${i}`)
    case 'uint32':
      return whole(`v${i} >>> 0 === v${i}`)
    case 'float32':
    case 'float64':
      return store(`typeof v${i} === 'number'`)
    case 'int64':
      return store(`Number.isSafeInteger(v${i})`, `v${i} + 0`)
    case 'uint64':
      return store(`Number.isSafeInteger(v${i}) && v${i} >= 0`, `v${i} + 0`)
    case 'timestamp':
      return type.unit === 'ms' ? store(`Number.isSafeInteger(v${i})`, `v${i} + 0`) : undefined
    case 'string':
      return `if (typeof v${i} === 'string') columns[${i}].setText(index, v${i});`
    default:
      return undefined
  }
}
