/** A schema as people read it: a table of columns, and the TypeScript to write for it. Pure. */
import { typeToString } from '@millrace/core/data'
import type { DataType, ElementType, Field, Schema } from '@millrace/core/data'
import type { Palette } from './style.ts'

/** The columns as a table: name, type, and whether values may be missing. */
export function schemaTable(schema: Schema, palette: Palette): string {
  const rows = schema.fields.map(({ name, type, nullable }) => [
    name,
    typeToString(type),
    nullable ? 'may be null' : '',
  ])
  const nameWidth = Math.max(6, ...rows.map(([name = '']) => name.length))
  const typeWidth = Math.max(4, ...rows.map(([, type = '']) => type.length))
  const head = palette(`  ${'column'.padEnd(nameWidth)}  ${'type'.padEnd(typeWidth)}`.trimEnd(), 'faint')
  const lines = rows.map(([name = '', type = '', nullable = '']) =>
    `  ${name.padEnd(nameWidth)}  ${type.padEnd(typeWidth)}  ${palette(nullable, 'faint')}`.trimEnd(),
  )
  return [head, ...lines, ...wideNotes(schema, palette)].join('\n')
}

/** What rows have instead of numbers that could not hold the values. */
function wideNotes({ fields }: Schema, palette: Palette): string[] {
  const namesOf = (isOf: (type: DataType) => boolean): string =>
    fields.flatMap(({ name, type }) => (isOf(type) ? [name] : [])).join(', ')
  const bigints = namesOf(
    (type) => (type.kind === 'int64' || type.kind === 'uint64') && type.rows === 'bigint',
  )
  const wholes = namesOf((type) => type.kind === 'decimal' && type.precision === 38 && type.scale === 0)
  const notes = [
    ...(bigints === '' ? [] : [`  ${bigints}: whole numbers beyond 2^53, bigints in rows`]),
    ...(wholes === '' ? [] : [`  ${wholes}: whole numbers beyond 64 bits, strings in rows`]),
  ]
  return notes.length === 0 ? [] : ['', ...notes.map((note) => palette(note, 'faint'))]
}

/** TypeScript that declares the schema, with imports: a module to save as it is. */
export function schemaModule(schema: Schema, name: string): string {
  const fields = schema.fields.map((field) => `  ${fieldSource(field)},`)
  return [
    "import { schema, t } from 'millrace'",
    "import type { RowOf } from 'millrace'",
    '',
    `export const ${name} = schema({`,
    ...fields,
    '})',
    `export type ${name} = RowOf<typeof ${name}>`,
  ].join('\n')
}

/** What was found for sources that declare no schema, to be seen and to be pasted. Empty when all declare one. */
export function inferredText(
  inferred: readonly { readonly step: string; readonly schema: Schema }[],
): string {
  return inferred
    .map(({ step, schema }) => {
      const fields = schema.fields.map((field) => `  ${fieldSource(field)},\n`).join('')
      return `\nstep ${step} declares no schema; found in its input:\nschema({\n${fields}})\n`
    })
    .join('')
}

/** Parts of an output that this tool has written: their folder has the name. */
const PART = /^part-\d{6,}-\d{4,}-\d{4,}-[\da-f]{12}\./

/** A name for the schema of a file: `flights-3m.parquet` gives `Flights3m`. */
export function schemaName(path: string): string {
  const parts = path.split(/[\\/]/).filter((part) => /[a-z0-9]/i.test(part))
  const file = parts.findLast((part) => !PART.test(part)) ?? parts.at(-1) ?? ''
  const words = file.replace(/\..*$/, '').match(/[a-z0-9]+/gi) ?? []
  const name = words.map((word) => word[0]?.toUpperCase() + word.slice(1)).join('')
  return /^[A-Z]/.test(name) ? name : `Row${name}`
}

function fieldSource({ name, type, nullable }: Field): string {
  const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : quote(name)
  return `${key}: ${elementSource({ type, nullable })}`
}

function elementSource({ type, nullable }: ElementType): string {
  return nullable ? `${typeSource(type)}.nullable()` : typeSource(type)
}

/** The builder expression of a type. */
export function typeSource(type: DataType): string {
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
      return `t.struct({ ${type.fields.map(fieldSource).join(', ')} })`
    default:
      return `t.${type.kind}()`
  }
}

function quote(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}
