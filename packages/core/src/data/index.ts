/** Data: logical types and schemas, column batches, and the ways in and out of them. */
export type { ColumnType, ColumnTypes, Integer64Type, RowOfTypes, TypeBuilders, ValueOf } from './builder.ts'
export { columnTypeOf, DECIMAL_PRECISION_MAX, schema, t } from './builder.ts'
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
export { fieldDefault } from './type.ts'
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
export type { Renamed } from './schema.ts'
export {
  checkColumnName,
  columnIndex,
  COLUMNS_MAX,
  extendSchema,
  fieldOf,
  findColumn,
  makeSchema,
  omitColumns,
  pickColumns,
  renameColumns,
} from './schema.ts'
export { nearestNames } from './nearest-names.ts'
export { fieldToString, sameSchema, sameType, schemaToString, typeToString } from './type-text.ts'
export { fitsPrecision, formatDecimal, fromWords, parseDecimal } from './decimal.ts'
export {
  canBeWide,
  fixedArrayKindOf,
  INTERVAL_FIELDS,
  listChildField,
  makeFixedArray,
  mapEntryType,
  plainLayoutOf,
  structFields,
  wideWords,
} from './layout.ts'
export type { FixedArrayKind, PlainLayout } from './layout.ts'
export { bitmapBytes, countNulls, intersectValidity, ValidityBuilder } from './validity.ts'
export { isAscii, readText, textBufferOf, writeText } from './text-bytes.ts'
export type { TextBuffer } from './text-bytes.ts'
export type { ColumnBuilder, ListColumnBuilder, StructColumnBuilder } from './column-builder.ts'
export { makeColumnBuilder } from './column-builder.ts'
export { exactOf, FixedColumnBuilder } from './fixed-column-builder.ts'
export { CHUNK_BYTES_MAX, Utf8ColumnBuilder } from './utf8-column-builder.ts'
export type { BatchBuilderOptions } from './batch-builder.ts'
export { BatchBuilder, batchOfRows } from './batch-builder.ts'
export { writeValue } from './write-value.ts'
export { batchToRows, exactValue, fixedValue, readValue, textValue, wideValue } from './read-value.ts'
export type { RowReader, RowViewOptions } from './row-view.ts'
export { createRowView } from './row-view.ts'
export type { RowRange } from './append-column.ts'
export { appendColumn, elementRows } from './append-column.ts'
export {
  appendBatch,
  appendFrom,
  appendSelected,
  builderLike,
  compactBatch,
  concatBatches,
} from './append.ts'
export { sliceBatch } from './slice-batch.ts'
export {
  checkKeyGroups,
  entryHashes,
  finishHash,
  hashBytes,
  hashKeyRow,
  hashKeys,
  KEY_HASH_SEED,
  keyGroupOf,
  mixCell,
  mixNumber,
  mixWord,
} from './key-hash.ts'
export { KeyEncoder } from './key-encoding.ts'
export { BatchEncoder, decodeBatch, encodeBatch } from './codec.ts'
export { SCHEMA_JSON_VERSION, schemaFromJson, schemaToJson, typeFromJson, typeToJson } from './schema-json.ts'
export type { Compatibility } from './schema-compatibility.ts'
export { canRead, wideningReasons, widensTo } from './schema-compatibility.ts'
export { columnOf, defaultColumn, widenColumn } from './widen-column.ts'
export { valueWidening } from './widen-value.ts'
export type { WidenValue } from './widen-value.ts'
export { exactTime } from './exact-time.ts'
export type { RowOfOutput } from './standard-schema.ts'
export { fromStandardSchema } from './standard-schema.ts'
export type { Inference, InferOptions, InferredColumn } from './infer.ts'
export { inferSchema } from './infer.ts'
export { describeInference, describeSchema, schemaToSource } from './describe-schema.ts'
export { fromArrow, schemaFromArrow, toArrow } from './arrow.ts'
