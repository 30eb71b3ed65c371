/** A source as a test feeds it: rows, watermarks and ends, to one partition or to all. */
import { batchOfRows } from '../../data/batch-builder.ts'
import type { Schema } from '../../data/type.ts'
import { isMillraceError, MillraceError } from '../../errors.ts'
import { formatInstant, parseInstant } from '../../time/instant.ts'
import type { DrivenInput } from './driven-plan.ts'
import type { Entry, InputLog, Partition } from './input-log.ts'
import { notPossible } from './test-errors.ts'

/** A moment: milliseconds since 1970, ISO 8601 text (UTC where it names no offset), or a `Date`. */
export type Moment = number | string | Date

/** A row as it is sent: times also as ISO text; columns that may be null may be left out. */
export type SentRow<Row> = {
  readonly [Name in keyof Row as null extends Row[Name] ? never : Name]: SentValue<Row[Name]>
} & {
  readonly [Name in keyof Row as null extends Row[Name] ? Name : never]?: SentValue<Row[Name]>
}

type SentValue<Value> = number extends Value ? Value | string | Date : Value

/** Where a test sends rows. */
export interface TestPartition<Row> {
  /**
   * Sends rows. They are read, in the order of all sends of the test, at the next call that is awaited; the rows of one
   * send come as one batch.
   *
   * @throws MillraceError `value/invalid` for a row that does not fit the schema.
   */
  send(...rows: readonly SentRow<Row>[]): void
  /**
   * Says that no row before this moment comes any more, beside what the pipeline's own strategy finds in the rows.
   *
   * @throws MillraceError `test/not-possible` for a moment before that of the last watermark.
   */
  watermark(moment: Moment): void
  /** Sends a row that the source cannot decode: it fails, or goes to `rejected`, as the pipeline says. */
  sendUndecodable(raw: string, reason?: string): void
  /** Nothing comes any more. */
  end(): void
}

/** A source of the pipeline; without a partition named, rows go to the first one, watermarks and ends to all. */
export interface TestSource<Row> extends TestPartition<Row> {
  /** One of its partitions, from 0. */
  partition(index: number): TestPartition<Row>
}

/** Feeds a source. */
export class SourceFeed implements TestSource<never> {
  readonly #input: DrivenInput
  readonly #log: InputLog
  /** Throws when nothing can be sent any more. */
  readonly #check: () => void

  constructor(input: DrivenInput, log: InputLog, check: () => void) {
    this.#input = input
    this.#log = log
    this.#check = check
  }

  partition(index: number): TestPartition<never> {
    const partition = this.#input.partitions[index]
    if (partition === undefined)
      throw new MillraceError('test/unknown-name', {
        what: `source "${this.#step}" has no partition ${index}`,
        detail: `it has ${this.#input.partitions.length}, from 0`,
        hint: `drive(pipeline, { partitions: { '${this.#step}': ${Math.max(2, index + 1)} } })`,
        step: this.#step,
      })
    return this.#partitionOf(partition)
  }

  send(...rows: readonly object[]): void {
    this.#sendTo(this.#input.partitions[0] as Partition, this.#rowsEntry(rows))
  }

  watermark(moment: Moment): void {
    const entry = this.#watermarkEntry(moment)
    for (const partition of this.#input.partitions) this.#refuseBack(partition, entry.watermark)
    for (const partition of this.#input.partitions) this.#sendTo(partition, entry)
  }

  sendUndecodable(raw: string, reason?: string): void {
    this.#sendTo(this.#input.partitions[0] as Partition, undecodable(raw, reason))
  }

  end(): void {
    for (const partition of this.#input.partitions)
      if (!partition.hasEnded) this.#sendTo(partition, { kind: 'end' })
  }

  get #step(): string {
    return this.#input.node.step
  }

  #partitionOf(partition: Partition): TestPartition<never> {
    return {
      send: (...rows: readonly object[]) => this.#sendTo(partition, this.#rowsEntry(rows)),
      watermark: (moment) => this.#sendTo(partition, this.#watermarkEntry(moment)),
      sendUndecodable: (raw, reason) => this.#sendTo(partition, undecodable(raw, reason)),
      end: () => this.#sendTo(partition, { kind: 'end' }),
    }
  }

  #sendTo(partition: Partition, entry: Entry): void {
    this.#check()
    if (partition.hasEnded)
      throw notPossible(
        `something is sent to source "${this.#step}" behind its end`,
        this.#input.isTable
          ? 'it is the table of a lookup join, which ends when it is first read: send its rows before anything is awaited'
          : 'send it before end() or finish()',
        this.#step,
      )
    if (entry.kind === 'rows' && entry.batch.length === 0) return
    if (entry.kind === 'watermark') {
      this.#refuseBack(partition, entry.watermark)
      partition.watermark = entry.watermark
    }
    this.#log.send(partition, entry, { toTable: this.#input.isTable })
  }

  #refuseBack(partition: Partition, watermark: number): void {
    if (watermark < partition.watermark)
      throw notPossible(
        `the watermark of source "${this.#step}" would go back from ${formatInstant(partition.watermark, true)} to ${formatInstant(watermark, true)}`,
        'send watermarks that rise: what a source has said about its rows stands',
        this.#step,
      )
  }

  #rowsEntry(rows: readonly object[]): Entry {
    const { schema, step } = this.#input.node
    const plain = rows.map((row, index) => sentRow(row, schema, { index, step }))
    // One by one, so that an error names its row.
    for (const [index, row] of plain.entries()) checkRow(row, schema, { index, step })
    return { kind: 'rows', batch: batchOfRows(schema as Schema<object>, plain) }
  }

  #watermarkEntry(moment: Moment): Entry & { readonly kind: 'watermark' } {
    if (this.#input.node.eventTime === undefined)
      throw notPossible(
        `source "${this.#step}" has no event time, and no watermark`,
        "read it with { eventTime: 'column' } in the pipeline",
        this.#step,
      )
    return { kind: 'watermark', watermark: momentMs(moment) }
  }
}

/** The milliseconds of a moment. Throws `value/invalid`. */
export function momentMs(moment: Moment): number {
  const ms =
    typeof moment === 'string'
      ? (parseInstant(moment)?.ms ?? Number.NaN)
      : typeof moment === 'number'
        ? moment
        : moment.getTime()
  if (Number.isSafeInteger(ms)) return ms
  throw new MillraceError('value/invalid', {
    what: `${JSON.stringify(moment)} is no moment`,
    hint: "give milliseconds since 1970 or text such as '2024-01-01T10:00Z'",
  })
}

interface RowPlace {
  readonly index: number
  readonly step: string
}

/** A row with its times as numbers. */
function sentRow(row: unknown, schema: Schema, place: RowPlace): object {
  if (typeof row !== 'object' || row === null) throw misfit(`a row must be an object`, place)
  const plain: Record<string, unknown> = { ...row }
  for (const name of Object.keys(plain)) {
    const field = schema.fields.find((one) => one.name === name)
    if (field === undefined)
      throw misfit(`the row has "${name}", and the source no such column`, place, schema)
    const value = plain[name]
    if (field.type.kind === 'timestamp' && isMomentOrText(value)) plain[name] = momentOf(value, place)
  }
  return plain
}

function isMomentOrText(value: unknown): value is string | Date {
  return typeof value === 'string' || (typeof value === 'object' && value !== null && 'getTime' in value)
}

function momentOf(value: string | Date, place: RowPlace): number {
  try {
    return momentMs(value)
  } catch (cause) {
    throw placed(cause, place)
  }
}

function checkRow(row: object, schema: Schema, place: RowPlace): void {
  try {
    batchOfRows(schema as Schema<object>, [row])
  } catch (cause) {
    throw placed(cause, place)
  }
}

function placed(cause: unknown, { index, step }: RowPlace): unknown {
  if (!isMillraceError(cause)) return cause
  const { code, what, detail, hint = 'send rows as the schema of the source declares them' } = cause
  return new MillraceError(code, {
    what,
    detail,
    hint,
    place: { ...cause.place, row: index + 1 },
    step,
    cause,
  })
}

function misfit(what: string, { index, step }: RowPlace, schema?: Schema): MillraceError {
  return new MillraceError('value/invalid', {
    what,
    detail:
      schema === undefined ? undefined : `its columns: ${schema.fields.map(({ name }) => name).join(', ')}`,
    hint: 'send rows as the schema of the source declares them',
    place: { row: index + 1 },
    step,
  })
}

function undecodable(raw: string, reason: string = 'the test sent it so'): Entry {
  return { kind: 'undecodable', raw, reason }
}
