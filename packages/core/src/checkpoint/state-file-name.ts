/** The names of state files: who wrote one can be told without opening it, and none is ever used twice. */

/** The name of a state file; `number` counts the files of the attempt. */
export function stateFileName(of: {
  readonly attempt: number
  readonly epoch: number
  readonly number: number
}): string {
  return `state/a${of.attempt}-e${of.epoch}-${of.number}`
}

/** The attempt that wrote a state file; undefined: it is none. */
export function attemptOfStateFile(name: string): number | undefined {
  const digits = /^state\/a([1-9]\d*)-e\d+-\d+$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** Where they lie. */
export const STATE_FOLDER = 'state/'
