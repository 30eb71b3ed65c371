/**
 * The columns of rejected rows: what a source or a user function could not take, with its place and the reason.
 *
 * Fixed, so that a dead-letter output looks the same whatever rejected the row. The row as TypeScript sees it is
 * `RejectedRow` of connect/source.ts; the two are kept equal by a type test.
 */
import type { DataType, Field, Schema } from '../data/type.ts'
import type { RejectedRow } from '../connect/source.ts'
import { freezeDeep } from './plan-graph.ts'

const text: DataType = { kind: 'string' }
const whole: DataType = { kind: 'int64', rows: 'number' }
const column = (name: string, type: DataType, nullable: boolean): Field => ({ name, type, nullable })

/** A rejected row as it stands in a stream: what is not known is null. */
export type RejectedRowColumns = {
  readonly [Name in keyof RejectedRow]-?: undefined extends RejectedRow[Name]
    ? Exclude<RejectedRow[Name], undefined> | null
    : RejectedRow[Name]
}

/** The schema of every `rejected` output. */
export const rejectedRowSchema: Schema<RejectedRowColumns> = freezeDeep({
  fields: [
    column('source', text, false),
    column('raw', text, false),
    column('reason', text, false),
    column('code', text, false),
    column('file', text, true),
    column('line', whole, true),
    column('byte', whole, true),
  ],
})
