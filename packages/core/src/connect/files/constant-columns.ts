/**
 * Columns that a file does not hold but its folder names: one value for all rows of a split.
 */
import type { Batch } from '../../data/batch.ts'
import { batchOfRows } from '../../data/batch-builder.ts'
import type { Column, FixedArray } from '../../data/column.ts'
import type { DataType, Field, Schema } from '../../data/type.ts'
import { MillraceError } from '../../errors.ts'
import type { PartitionValues } from './partition-path.ts'

/** Gives a batch as the file has it the columns that its schema promises. */
export type BatchShaper = (batch: Batch) => Batch

/** Whether a column of this type can be named by a folder. */
export function canBePartition(type: DataType): boolean {
  return partitionKinds.has(type.kind)
}

const partitionKinds: ReadonlySet<DataType['kind']> = new Set([
  'boolean', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'string', 'date', 'uuid',
]) // prettier-ignore

/** The columns of `schema` that are in the file itself. */
export function columnsInFile(schema: Schema, partition: PartitionValues): Schema {
  const fields = schema.fields.filter((field) => !Object.hasOwn(partition, field.name))
  return fields.length === schema.fields.length ? schema : { fields }
}

/** Adds the partition columns of `schema` to batches of the file's own columns. */
export function shaperOf(schema: Schema, partition: PartitionValues, file: string): BatchShaper {
  if (!schema.fields.some((field) => Object.hasOwn(partition, field.name))) return (batch) => batch
  const constants = new Map<number, ConstantColumn>()
  for (const [index, field] of schema.fields.entries()) {
    if (!Object.hasOwn(partition, field.name)) continue
    constants.set(index, new ConstantColumn(field, partition[field.name] as string | null, file))
  }
  return (batch) => {
    let next = 0
    const columns = schema.fields.map(
      (_, index) => constants.get(index)?.ofLength(batch.length) ?? (batch.columns[next++] as Column),
    )
    return { ...batch, schema, columns }
  }
}

/** One value, as a column as long as is asked for. */
class ConstantColumn {
  readonly #single: Column
  #column: Column
  #length = 0

  constructor(field: Field, text: string | null, file: string) {
    const value = text === null ? null : parseValue(field, text, file)
    if (value === null && !field.nullable) throw wrongValue(field, 'null', file)
    try {
      this.#single = batchOfRows({ fields: [field] }, [{ [field.name]: value }]).columns[0] as Column
    } catch {
      throw wrongValue(field, text, file)
    }
    this.#column = this.#single
  }

  ofLength(length: number): Column {
    if (this.#length < length) {
      this.#length = Math.max(length, this.#length * 2)
      this.#column = repeat(this.#single, this.#length)
    }
    return this.#column
  }
}

function repeat(single: Column, length: number): Column {
  const isNull = single.validity !== undefined && ((single.validity[0] as number) & 1) === 0
  const validity = isNull ? new Uint8Array((length + 7) >> 3) : undefined
  switch (single.layout) {
    case 'fixed': {
      const values = new (single.values.constructor as new (length: number) => FixedArray)(length)
      return { ...single, values: values.fill(single.values[0] as number), validity }
    }
    case 'wide':
      return { ...single, values: new BigInt64Array(length).fill(single.values[0] as bigint), validity }
    case 'utf8': {
      const codes = new Int32Array(length)
      const { type } = single
      return {
        layout: 'dictionary',
        type,
        codes,
        dictionary: { ...single, validity: undefined },
        dictionaryLength: 1,
        validity,
      }
    }
    default:
      return single
  }
}

function parseValue(field: Field, text: string, file: string): unknown {
  const { type } = field
  switch (type.kind) {
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw wrongValue(field, text, file)
      return text === 'true'
    case 'string':
    case 'uuid':
    case 'date':
      return text
    case 'int64':
    case 'uint64':
      if (!/^-?\d{1,20}$/.test(text)) throw wrongValue(field, text, file)
      return type.rows === 'bigint' ? BigInt(text) : Number(text)
    default:
      if (!/^-?\d{1,20}$/.test(text)) throw wrongValue(field, text, file)
      return Number(text)
  }
}

function wrongValue(field: Field, text: string | null, file: string): MillraceError {
  return new MillraceError('input/undecodable', {
    what: `the folder of "${file}" gives column "${field.name}" a value that does not fit`,
    detail: `"${String(text)}" is not a ${field.type.kind} value${field.nullable ? '' : ' other than null'}`,
    hint: 'rename the folder, or declare the column as string',
    place: { file, column: field.name },
  })
}
