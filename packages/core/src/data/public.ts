/**
 * The door `millrace/data`: what the authors of connectors and of tests need of schemas and batches.
 *
 * The other rooms share more of each other: that is index.ts.
 */
export type { ColumnType, ColumnTypes, RowOfTypes, TypeBuilders, ValueOf } from './builder.ts'
export { columnTypeOf, schema, t } from './builder.ts'
export type {
  DataType,
  ElementType,
  Field,
  IntegerRows,
  Interval,
  Json,
  RowOf,
  Schema,
  TimeUnit,
  TypeKind,
} from './type.ts'
export type {
  CalendarDate,
  Decimal,
  TextOrDate,
  TimeOfDay,
  Timestamp,
  Uuid,
  KindOf,
  OfKind,
  ValueKind,
} from './row-values.ts'
export { columnIndex, fieldOf, makeSchema } from './schema.ts'
export { sameSchema, sameType, schemaToString, typeToString } from './type-text.ts'
export { schemaFromJson, schemaToJson } from './schema-json.ts'
export type { RowOfOutput } from './standard-schema.ts'
export { fromStandardSchema } from './standard-schema.ts'
export type { Inference, InferOptions, InferredColumn } from './infer.ts'
export { inferSchema } from './infer.ts'

export type {
  Column,
  DictionaryColumn,
  FixedArray,
  FixedColumn,
  ListColumn,
  StructColumn,
  Utf8Column,
  WideColumn,
} from './column.ts'
export { isValid } from './column.ts'
export type { Batch } from './batch.ts'
export { makeBatch, rowCount, rowIndex } from './batch.ts'
export type { ColumnBuilder, ListColumnBuilder, StructColumnBuilder } from './column-builder.ts'
export { FixedColumnBuilder } from './fixed-column-builder.ts'
export { Utf8ColumnBuilder } from './utf8-column-builder.ts'
export type { BatchBuilderOptions } from './batch-builder.ts'
export { BatchBuilder, batchOfRows } from './batch-builder.ts'
export { batchToRows, readValue } from './read-value.ts'
export { compactBatch, concatBatches } from './append.ts'
export { sliceBatch } from './slice-batch.ts'
export type { RowReader, RowViewOptions } from './row-view.ts'
export { createRowView } from './row-view.ts'
export { exactTime } from './exact-time.ts'
export { decodeBatch, encodeBatch } from './codec.ts'
export { fromArrow, schemaFromArrow, toArrow } from './arrow.ts'
