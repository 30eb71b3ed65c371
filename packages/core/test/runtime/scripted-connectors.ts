/** Connectors of a third party, as a test wants them: they record every call and fail or wait where they are told to. */
import type { Batch } from '../../src/data/batch.ts'
import { rowCount } from '../../src/data/batch.ts'
import { BatchBuilder } from '../../src/data/batch-builder.ts'
import { batchToRows } from '../../src/data/read-value.ts'
import type { Schema } from '../../src/data/type.ts'
import type { CommitOutcome, ReadResult, Sink, Source, SplitReader } from '../../src/connect/index.ts'

/** What the parts of a sink do besides recording; each may throw, reject or wait. */
export interface SinkScript {
  readonly open?: () => unknown
  readonly write?: (rows: number) => void | Promise<void>
  readonly seal?: (epoch: number) => void
  readonly prepare?: (epoch: number) => unknown
  /** The outcome of a committable at a try (from 0). */
  readonly commit?: (tries: number) => CommitOutcome | undefined
  readonly finish?: () => unknown
  readonly close?: () => unknown
}

/** A sink that keeps what was committed, and the order of calls. */
export interface ScriptedSink extends Sink<{ rows: number; id: number }> {
  readonly calls: string[]
  readonly rows: object[]
  /** Rows that were written and not committed. */
  readonly hidden: number
  /** Writes that were under way at the same time, at most. */
  readonly overlapping: number
}

export function scriptedSink(script: SinkScript = {}): ScriptedSink {
  const calls: string[] = []
  const rows: object[] = []
  const prepared = new Map<number, object[]>()
  let pending: object[] = []
  const sealed = new Map<number, object[]>()
  let ids = 0
  let underWay = 0
  let overlapping = 0
  let tries = 0
  return {
    description: { connector: 'scripted', options: {} },
    accepts: 'append',
    calls,
    rows,
    get hidden() {
      return [pending, ...sealed.values()].reduce((sum, { length }) => sum + length, 0)
    },
    get overlapping() {
      return overlapping
    },
    async open() {
      calls.push('open')
      await script.open?.()
      return {
        async writer() {
          return {
            write(batch) {
              calls.push(`write ${rowCount(batch)}`)
              pending.push(...batchToRows(batch))
              const answer = script.write?.(rowCount(batch))
              if (answer === undefined) return undefined
              overlapping = Math.max(overlapping, ++underWay)
              return answer.finally(() => underWay--)
            },
            seal(epoch) {
              script.seal?.(epoch)
              sealed.set(epoch, pending)
              pending = []
            },
            async prepare(epoch) {
              calls.push(`prepare ${epoch}`)
              await script.prepare?.(epoch)
              const taken = sealed.get(epoch) ?? []
              if (taken.length === 0) return undefined
              const id = ids++
              prepared.set(id, taken)
              sealed.delete(epoch)
              return { id, rows: taken.length }
            },
            written: () => ({ rows: rows.length + pending.length, bytes: 0 }),
            async close() {
              calls.push('close writer')
            },
          }
        },
        async commit(committables) {
          calls.push(`commit ${committables.length}`)
          return committables.map(({ id }) => {
            const outcome = script.commit?.(tries++) ?? {
              kind: 'committed',
              rows: prepared.get(id)?.length ?? 0,
            }
            if (outcome.kind === 'committed') rows.push(...(prepared.get(id) ?? []))
            return outcome
          })
        },
        async sweep() {
          calls.push('sweep')
        },
        async finish() {
          calls.push('finish')
          await script.finish?.()
        },
        async close() {
          calls.push('close')
          await script.close?.()
        },
      }
    },
  }
}

/** What a scripted split answers, in order: rows, nothing for now, a thrown or rejected error; then it ends. */
export type ReadStep =
  | { readonly rows: readonly object[]; readonly later?: boolean }
  | { readonly idle: true }
  | { readonly throws: unknown }
  | { readonly rejects: unknown }

export interface ScriptedSource<Row> extends Source<Row> {
  readonly calls: string[]
  /** Rows that were read. */
  readonly read: number
}

/** A source of splits that answer as they are told. */
export function scriptedSource<Row>(
  schema: Schema<Row>,
  splits: readonly (readonly ReadStep[])[],
  options: { readonly open?: (split: number) => unknown; readonly list?: () => unknown } = {},
): ScriptedSource<Row> {
  const calls: string[] = []
  let read = 0
  const reader = (split: number): SplitReader => {
    let at = 0
    return {
      read(): ReadResult | Promise<ReadResult> {
        const step = splits[split]?.[at++]
        if (step === undefined) return { kind: 'end' }
        if ('throws' in step) throw step.throws
        if ('rejects' in step) return Promise.reject(step.rejects as Error)
        if ('idle' in step) return { kind: 'idle', until: new Promise(() => undefined) }
        read += step.rows.length
        const answer: ReadResult = { kind: 'batch', batch: batchOf(schema, step.rows) }
        return step.later === true ? Promise.resolve(answer) : answer
      },
      position: () => ({ at }),
      bytesRead: () => at * 10,
      async close() {
        calls.push(`close ${split}`)
      },
    }
  }
  return {
    description: { connector: 'scripted', options: {} },
    schema,
    supports: ['bounded', 'unbounded'],
    calls,
    get read() {
      return read
    },
    async enumerate() {
      await options.list?.()
      let told = false
      return {
        async next() {
          const found = told
            ? []
            : splits.map((_, index) => ({ id: `split-${index}`, detail: index, bytes: 100 }))
          told = true
          return { splits: found, done: true }
        },
        async close() {
          calls.push('close list')
        },
      }
    },
    async open(split) {
      calls.push(`open ${split.detail as number}`)
      await options.open?.(split.detail as number)
      return reader(split.detail as number)
    },
  }
}

function batchOf(schema: Schema, rows: readonly object[]): Batch {
  const builder = new BatchBuilder(schema, Math.max(1, rows.length))
  for (const row of rows) builder.appendRow(row)
  return builder.finish()
}
