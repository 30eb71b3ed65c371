/**
 * What crosses the border between two phases of a batch run: rows and marks (watermarks, idleness, ends), per edge and
 * sending task, in the one order in which all of them were sent (docs/internals/checkpoints.md).
 *
 * The order is kept over all channels, and rows are dealt out to receiving tasks when they are read: so the receivers
 * hear what they would have heard from the senders themselves, at any parallelism of their own.
 */
import type { StatePart } from '../../checkpoint/state-file.ts'
import { batchOfRows, batchToRows, schema, t } from '../../data/index.ts'
import type { Batch, Json, Schema } from '../../data/index.ts'
import type { Exchange } from '../../plan/physical.ts'

/** One sending task of one edge. */
export interface BorderChannel {
  readonly exchange: Exchange
  readonly task: number
  /** Tasks that send over the edge. */
  readonly tasks: number
  readonly schema: Schema
}

/** A channel as a border file names it. */
export interface SentChannel extends Pick<Exchange, 'from' | 'to'> {
  readonly task: number
  readonly tasks: number
}

/** What is said beside rows. */
export interface BorderMark {
  readonly channel: number
  /** `end`: nothing more can come; `stop`: nothing more comes. */
  readonly kind: 'watermark' | 'idle' | 'active' | 'end' | 'stop'
  /** 0 in other kinds. */
  readonly watermark: number
}

const marksSchema: Schema = schema({ channel: t.int32(), kind: t.string(), watermark: t.float64() })

/** Marks as rows of their part. */
export function marksToBatch(marks: readonly BorderMark[]): Batch {
  return batchOfRows(marksSchema, marks)
}

/** Back from rows. */
export function marksOf(batch: Batch): readonly BorderMark[] {
  return batchToRows(batch) as unknown as readonly BorderMark[]
}

/** The part of a border file that holds marks. */
export const MARKS = 'marks'

/** The part that holds the rows of a channel. */
export function partOfChannel(channel: number): string {
  return `rows ${channel}`
}

/** The parts of a border file. */
export function borderParts(channels: readonly BorderChannel[]): readonly StatePart[] {
  return [
    { name: MARKS, schema: marksSchema },
    ...channels.map((channel, at) => ({ name: partOfChannel(at), schema: channel.schema })),
  ]
}

/** Which edge and sender each channel is: what a border file says of itself. */
export function channelsToJson(channels: readonly BorderChannel[]): Json {
  return channels.map(({ exchange: { from, to }, task, tasks }) => ({
    from: { step: from.step, port: from.port },
    to: { step: to.step, input: to.input },
    task,
    tasks,
  }))
}
