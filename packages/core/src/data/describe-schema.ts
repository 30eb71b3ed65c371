/**
 * Schemas as text for people: a table of columns, and the source that declares the schema.
 */
import type { Inference } from './infer.ts'
import type { DataType, ElementType, Field, Schema } from './type.ts'
import { typeToString } from './type-text.ts'

/** A schema as a table, one line per column: name and type. */
export function describeSchema(schema: Schema): string {
  return table(schema.fields.map((field) => [field.name, typeText(field)]))
}

/** An inferred schema as a table, with what was seen of each column. */
export function describeInference(inference: Inference): string {
  const { columns, rows, schema } = inference
  const lines = columns.map(({ reason }, i) => {
    const field = schema.fields[i] as Field
    return [field.name, typeText(field), reason]
  })
  return `${columns.length} columns, inferred from the first ${rows} rows\n${table(lines)}`
}

/** The TypeScript that declares a schema, to be copied into a program. */
export function schemaToSource(schema: Schema): string {
  const lines = schema.fields.map((field) => `  ${propertyName(field.name)}: ${elementSource(field)},`)
  return `schema({\n${lines.join('\n')}\n})`
}

function table(lines: readonly (readonly string[])[]): string {
  const widths = [0, 1].map((column) => Math.max(...lines.map((cells) => (cells[column] ?? '').length)))
  return lines
    .map((cells) => `  ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
    .join('\n')
}

function typeText(element: ElementType): string {
  return `${typeToString(element.type)}${element.nullable ? '?' : ''}`
}

function elementSource(element: ElementType): string {
  return `${typeSource(element.type)}${element.nullable ? '.nullable()' : ''}`
}

function typeSource(type: DataType): string {
  switch (type.kind) {
    case 'int64':
    case 'uint64':
      return type.rows === 'bigint' ? `t.${type.kind}().bigint()` : `t.${type.kind}()`
    case 'decimal':
      return `t.decimal(${type.precision}, ${type.scale})`
    case 'time':
      return type.unit === 'ms' ? 't.time()' : `t.time('${type.unit}')`
    case 'timestamp':
      if (type.zoned) return `t.timestamp('${type.unit}', { zoned: true })`
      return type.unit === 'ms' ? 't.timestamp()' : `t.timestamp('${type.unit}')`
    case 'list':
      return `t.list(${elementSource(type.element)})`
    case 'map':
      return `t.map(${typeSource(type.key)}, ${elementSource(type.value)})`
    case 'struct':
      return `t.struct({ ${type.fields.map((field) => `${propertyName(field.name)}: ${elementSource(field)}`).join(', ')} })`
    default:
      return `t.${type.kind}()`
  }
}

function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)
}
