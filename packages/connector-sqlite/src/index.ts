/** Table of contents of `@millrace/connector-sqlite`: tables as outputs. */
export { sqlite } from './sqlite-sink.ts'
export type { SqliteCommittable } from './sqlite-writer.ts'
export type { SqliteOptions } from './sqlite-options.ts'
