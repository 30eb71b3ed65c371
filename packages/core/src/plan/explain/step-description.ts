/**
 * The description of a step in words, as `explain` shows it and gives it as JSON. Who writes it: describe-step.ts.
 */

/** A particular of a step: `columns`: `date, delay (2 of 6)`. */
export interface Detail {
  readonly label: string
  readonly text: string
}

/** What a step does. */
export interface StepDescription {
  /** One line, as a verb phrase: `keeps rows where delay > 15`. */
  readonly summary: string
  readonly details: readonly Detail[]
}
