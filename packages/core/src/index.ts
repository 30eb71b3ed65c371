/**
 * The main door: everything that the author of a pipeline imports.
 *
 * Files are `millrace/files`; running, testing and connectors have doors of their own.
 */
export * from './sdk/index.ts'
export { schema, t } from './data/builder.ts'
export { fromStandardSchema } from './data/standard-schema.ts'
export type { ColumnType, ColumnTypes, RowOfTypes } from './data/builder.ts'
export type { DataType, Field, Interval, Json, RowOf, Schema } from './data/type.ts'
export type { CalendarDate, Decimal, TimeOfDay, Timestamp, Uuid } from './data/row-values.ts'
export { call, column, sql, value, when } from './expr/index.ts'
export type { SqlExpression, TypedColumns, TypedValue } from './expr/index.ts'
export type { Duration } from './time/duration.ts'
export { blackhole, memoryRows, memorySink, memoryStream, rate, toConsole } from './connect/index.ts'
export type { ConsoleOptions, MemoryCommit, MemorySink, MemoryStream, RateOptions } from './connect/index.ts'
export { isMillraceError, MillraceError } from './errors.ts'
export type { ErrorCode } from './errors.ts'
