/**
 * Functions with state and timers that generated pipelines use. None of them depends on the order of rows within the
 * watermark, which the engine does not promise: what came is kept by its time, and timers look at it.
 */
import { makeSchema, schema, t } from '../../data/index.ts'
import type { Schema } from '../../data/index.ts'
import { state } from '../../sdk/index.ts'
import type { FiredTimer, ListState, MapState, ProcessDefinition, ValueState } from '../../sdk/process.ts'
import type { FunctionCase } from './description.ts'
import { bucketOf, textOf } from './functions.ts'
import type { AnyRow } from './functions.ts'

/** A definition without the types that a program would have. */
export type AnyProcess = ProcessDefinition<AnyRow, AnyRow, AnyRow, {}, { [side: string]: Schema }>

interface Context<State> {
  readonly key: AnyRow
  readonly eventTime: number | undefined
  readonly state: State
  emit(row: AnyRow): void
  emitTo(side: string, row: AnyRow): void
  setTimer(name: string, time: number): void
  deleteTimer(name: string): void
}

interface Definition<State> {
  readonly state?: object
  readonly output: Schema
  readonly sideOutputs?: { [side: string]: Schema }
  onRow(row: AnyRow, context: Context<State>): void
  onTimer?(context: Context<State>, timer: FiredTimer): void
}

function define<State>(definition: Definition<State>): AnyProcess {
  return definition as unknown as AnyProcess
}

const keyText = ({ key }: { readonly key: AnyRow }): string => textOf({ ...key })

/** Definitions by name; `needsTime`: only on streams with event time. */
export const processes: {
  readonly [fn: string]: {
    readonly needsTime: boolean
    readonly sides: readonly string[]
    readonly make: (call: FunctionCase, input: Schema) => AnyProcess
  }
} = {
  'passes rows, some aside': {
    needsTime: false,
    sides: ['odd'],
    make: (call, input) =>
      define<unknown>({
        output: makeSchema([...input.fields]),
        sideOutputs: { odd: schema({ key: t.string(), bucket: t.int32() }) },
        onRow(row, context) {
          const bucket = bucketOf(row, call.columns, 5)
          if (bucket > 0) context.emit(Object.fromEntries(input.fields.map(({ name }) => [name, row[name]])))
          if (bucket % 2 === 1) context.emitTo('odd', { key: keyText(context), bucket })
        },
      }),
  },
  'counts until the end': { needsTime: true, sides: [], make: countsUntilTheEnd },
  'sums by slot': { needsTime: true, sides: [], make: sumsBySlot },
  'sorts at the end of a slot': { needsTime: true, sides: [], make: sortsSlots },
  'tells of quiet times': { needsTime: true, sides: ['awake'], make: quietTimes },
}

function countsUntilTheEnd(): AnyProcess {
  return define<{ readonly seen: ValueState<number> }>({
    state: { seen: state.value(t.int32()) },
    output: schema({ key: t.string(), seen: t.int32() }),
    onRow(_, { state: { seen }, setTimer }) {
      seen.set((seen.get() ?? 0) + 1)
      setTimer('end', 8_000_000_000_000_000)
    },
    onTimer(context) {
      context.emit({ key: keyText(context), seen: context.state.seen.get() ?? 0 })
      context.state.seen.clear()
    },
  })
}

function slotOf(call: FunctionCase, time: number): number {
  const sizeMs = call.settings['sizeMs'] as number
  return (Math.floor(time / sizeMs) + 1) * sizeMs
}

function sumsBySlot(call: FunctionCase): AnyProcess {
  return define<{ readonly sums: MapState<number, bigint> }>({
    state: { sums: state.map(t.timestamp(), t.int64().bigint()) },
    output: schema({ key: t.string(), at: t.timestamp(), sum: t.int64().bigint() }),
    onRow(row, { state: { sums }, eventTime = 0, setTimer }) {
      const slot = slotOf(call, eventTime)
      sums.set(slot, (sums.get(slot) ?? 0n) + BigInt(bucketOf(row, call.columns, 1000)))
      setTimer(`slot ${slot}`, slot)
    },
    onTimer(context, { time }) {
      const { sums } = context.state
      const sum = sums.get(time)
      if (sum !== undefined) context.emit({ key: keyText(context), at: time, sum })
      sums.delete(time)
    },
  })
}

function sortsSlots(call: FunctionCase): AnyProcess {
  return define<{ readonly texts: ListState<{ at: number; text: string }> }>({
    state: { texts: state.list(t.struct({ at: t.timestamp(), text: t.string() })) },
    output: schema({ key: t.string(), texts: t.list(t.string()) }),
    onRow(row, { state: { texts }, eventTime = 0, setTimer }) {
      const slot = slotOf(call, eventTime)
      texts.add({ at: slot, text: call.columns.map((name) => textOf(row[name])).join() })
      setTimer(`slot ${slot}`, slot)
    },
    onTimer(context, { time }) {
      const { texts } = context.state
      const all = [...texts].map(({ at, text }) => ({ at, text }))
      texts.clear()
      for (const one of all) if (one.at !== time) texts.add(one)
      const mine = all.filter(({ at }) => at === time).map(({ text }) => text)
      context.emit({ key: keyText(context), texts: mine.toSorted() })
    },
  })
}

/** As in the guide: keys from which nothing came for a while, and how many rows had come before. */
function quietTimes(call: FunctionCase): AnyProcess {
  const gapMs = call.settings['sizeMs'] as number
  return define<{
    readonly waiting: MapState<number, number>
    readonly last: ValueState<number>
    readonly seen: ValueState<number>
  }>({
    state: {
      waiting: state.map(t.timestamp(), t.int32()),
      last: state.value(t.timestamp()),
      seen: state.value(t.int32()),
    },
    output: schema({ key: t.string(), seen: t.int32() }),
    sideOutputs: { awake: schema({ key: t.string(), at: t.timestamp() }) },
    onRow(_, { state: { waiting }, eventTime = 0, setTimer }) {
      waiting.set(eventTime, (waiting.get(eventTime) ?? 0) + 1)
      setTimer(`at ${eventTime}`, eventTime)
    },
    onTimer(context, { time }) {
      const { waiting, last, seen } = context.state
      if (time >= (last.get() ?? Infinity) + gapMs) {
        context.emit({ key: keyText(context), seen: seen.get() ?? 0 })
        last.clear()
        seen.clear()
        context.deleteTimer('quiet')
      }
      const now = waiting.get(time)
      if (now === undefined) return
      if (last.get() === undefined) context.emitTo('awake', { key: keyText(context), at: time })
      waiting.delete(time)
      last.set(time)
      seen.set((seen.get() ?? 0) + now)
      context.setTimer('quiet', time + gapMs)
    },
  })
}
