/**
 * The two ends of an edge: what a sender may do (`Receiver`), and the outputs of a step in a task (`OutputPort`).
 */
import type { Batch } from '../data/batch.ts'
import type { Route } from './exchange.ts'

/** A receiving end of an edge: what a sender may do with it. */
export interface Receiver {
  push(batch: Batch): void
  watermark(watermark: number): void
  idle(idle: boolean): void
  /** No more rows: like the watermark +Infinity when `drain`, else only that the channel holds nothing back. */
  end(drain: boolean): void
}

/** A task among those of its stage. */
export interface TaskPlace {
  readonly task: number
  readonly tasks: number
}

/** One output port of a step in a task. */
export interface OutputPort {
  /** Rows to each edge. */
  readonly routes: Route[]
  /** Every receiver of every edge: watermarks go to all. */
  readonly receivers: Receiver[]
}

/** The receiving end of an edge for one of its senders. */
export interface OpenChannel {
  /** Deals rows out to the receivers. */
  readonly route: Route
  readonly receivers: readonly Receiver[]
}

/** The port, made when it is first named. */
export function portOf(ports: Map<string, OutputPort>, name: string): OutputPort {
  let port = ports.get(name)
  if (port === undefined) {
    port = { routes: [], receivers: [] }
    ports.set(name, port)
  }
  return port
}
