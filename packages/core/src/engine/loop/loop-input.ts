/**
 * What a loop reads: a source (source/source-step.ts), or what an earlier phase has left (border/border-reader.ts).
 */

/** One of the inputs of a loop. */
export interface LoopInput {
  /** Read to its end before any other (TL4). */
  readonly forTable: boolean
  readonly done: boolean
  open(): Promise<void>
  /** One step; whether there was anything to do. `ask`: more may be taken in. */
  turn(ask: boolean): boolean
}
