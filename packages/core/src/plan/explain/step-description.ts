/**
 * The description of a step in words, as `explain` shows it and gives it as JSON. Who writes it: describe-step.ts.
 */
import type { Input } from '../logical.ts'
import { MAIN_PORT } from '../logical.ts'

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

/** The output that is read, as a pipeline names it: of rejected rows `orders.rejected`, not all of `orders`. */
export function outputText({ step, port }: Input): string {
  return port === MAIN_PORT ? step : `${step}.${port}`
}
