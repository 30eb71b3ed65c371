/**
 * A source whose columns nobody declared: they are found by looking at the input, which building never does.
 *
 * Building throws this error with the source in it. `Pipeline.buildOn` takes it, looks at the input through the host,
 * and builds again; everyone else sees an error that says to declare the columns.
 */
import { MillraceError } from '../errors.ts'
import type { Source } from '../plan/index.ts'

/** The door to the outside that looking at an input takes. */
export type SourceHost = Parameters<NonNullable<Source['resolveSchema']>>[0]

/** Thrown while building when a source must be looked at first. */
export class UndeclaredSourceError extends MillraceError {
  readonly source: Source
  readonly sourceStep: string

  constructor(step: string, source: Source) {
    super('schema/invalid', {
      what: 'the source has no schema',
      detail: 'its columns are known only once the input was looked at, and building looks at nothing',
      hint: 'declare them with schema({ … }); `millrace schema FILE` prints the schema of a file',
      step,
    })
    this.source = source
    this.sourceStep = step
  }
}
