/** A command line that cannot be understood: an error of its own because no pipeline is involved. */

/** What is wrong with the words of the command line, and what to write instead. */
export class UsageError extends Error {
  readonly hint: string | undefined

  constructor(what: string, hint?: string) {
    super(what)
    this.name = 'UsageError'
    this.hint = hint
  }
}
