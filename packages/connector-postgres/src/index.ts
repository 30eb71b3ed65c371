/** Table of contents of `@millrace/connector-postgres`: tables as outputs. */
export { postgres } from './postgres-sink.ts'
export type { PostgresCommittable } from './commit-parts.ts'
export type { PostgresOptions, PostgresServer, PostgresUrlName } from './postgres-options.ts'
