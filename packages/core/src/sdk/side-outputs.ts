/**
 * Outputs of a step beside its rows: late rows, rejected rows, and outputs that a process step declares.
 *
 * They cost nothing until they are read.
 */
import type { Schema } from '../data/type.ts'
import { MillraceError } from '../errors.ts'
import { LATE_PORT, REJECTED_PORT, rejectedRowSchema } from '../plan/index.ts'
import type { Input } from '../plan/index.ts'
import type { Output } from './draft.ts'
import { addTransform, allColumns } from './lower-transform.ts'

/**
 * The late rows of an aggregation, as they came in: columns that were computed for the aggregates (present in
 * `prepared` only) are taken off again, by a step that is added when somebody reads.
 */
export function lateOutput(input: Output, step: string, prepared: Schema): Output {
  const late: Input = { step, port: LATE_PORT }
  const raw = input.draft.output(late, prepared, input)
  if (prepared === input.schema) return raw
  let added: Output | undefined
  const connect = (): Input => {
    added ??= addTransform(raw, `${step}/late`, { outputs: allColumns(input.schema) })
    return added.connect()
  }
  return { ...input, connect }
}

/** The rows that a step could not take. */
export function rejectedOutput(main: Output, onMissing: string): Output {
  const { step } = main.connect()
  return {
    draft: main.draft,
    schema: rejectedRowSchema,
    time: undefined,
    changes: false,
    connect: () => {
      if (!main.draft.hasPort(step, REJECTED_PORT)) {
        throw new MillraceError('plan/invalid-argument', {
          what: `step "${step}" rejects nothing`,
          detail: 'it fails on the first row that it cannot take',
          hint: onMissing,
          step,
        })
      }
      return { step, port: REJECTED_PORT }
    },
  }
}
