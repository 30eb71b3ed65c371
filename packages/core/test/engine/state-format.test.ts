/**
 * The format of state is frozen: schemas of parts, and the bytes of small snapshots. A difference here is a change that
 * checkpoints of earlier releases do not survive: it needs a new version, and code that reads the old one.
 */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { StatePart, StateRows } from '../../src/checkpoint/index.ts'
import type { Batch } from '../../src/data/batch.ts'
import { encodeBatch } from '../../src/data/codec.ts'
import { batchToRows } from '../../src/data/read-value.ts'
import { fieldToString } from '../../src/data/type-text.ts'
import type { DataType, Field, Schema } from '../../src/data/type.ts'
import { isMillraceError } from '../../src/errors.ts'
import { createLookupJoin } from '../../src/engine/lookup/lookup-join.ts'
import type { Operator, OperatorState } from '../../src/engine/operator.ts'
import type { ProcessContext } from '../../src/engine/process/process-function.ts'
import { createProcess } from '../../src/engine/process/process.ts'
import { createWindowAggregate } from '../../src/engine/window/window-aggregate.ts'
import type { AggregateCall, WindowSpec } from '../../src/plan/logical.ts'
import type { InRow } from './operator-harness.ts'
import { advance, batchOf, harness, rowsOf } from './operator-harness.ts'
import { basic, ownFunctions, rich, schema, windowNode } from './window-oracle.ts'
import type { Row } from './window-oracle.ts'

const text: DataType = { kind: 'string' }
const float: DataType = { kind: 'float64' }
const field = (name: string, type: DataType, nullable = false): Field => ({ name, type, nullable })

const stateOf = ({ state }: Operator): OperatorState => state as OperatorState
const schemaLines = (parts: readonly StatePart[]): readonly string[] =>
  parts.map((part) => `${part.name}: ${part.schema.fields.map(fieldToString).join(', ')}`)

/** Of every batch its part, its rows and the beginning of the SHA-256 of its bytes. */
const prints = (rows: readonly StateRows[]): readonly string[] =>
  rows.map(({ part, batch }) => {
    const hash = createHash('sha256').update(encodeBatch(batch)).digest('hex')
    return `${part} ${batch.length} ${hash.slice(0, 16)}`
  })

const windowRows: readonly InRow[] = [
  { row: { text: 'a', small: 1, whole: 10, real: 0.5, flag: true }, time: 3 },
  { row: { text: null, small: -2, whole: null, real: -1.25, flag: false }, time: 14 },
  { row: { text: 'bé', small: null, whole: 2 ** 53 - 1, real: null, flag: true }, time: 4 },
  { row: { text: 'a', small: 7, whole: -3, real: 8, flag: null }, time: 15 },
  { row: { text: 'c', small: 7, whole: 10, real: 2.5, flag: true }, time: 40 },
]

function windowOperator(
  window: WindowSpec,
  keys: readonly string[],
  aggregates: readonly AggregateCall[],
): Operator {
  const functions = new Map([['own', ownFunctions]])
  return createWindowAggregate(windowNode(window, keys, aggregates), schema, harness().context, { functions })
}

function windowState(
  window: WindowSpec,
  keys: readonly string[],
  aggregates: readonly AggregateCall[],
): OperatorState {
  const operator = windowOperator(window, keys, aggregates)
  operator.push(batchOf(schema, windowRows.slice(0, 4)), 0)
  advance(operator, 5)
  operator.push(batchOf(schema, windowRows.slice(4)), 0)
  return stateOf(operator)
}

const tumbling: WindowSpec = { kind: 'tumbling', sizeMs: 10, offsetMs: 0 }

describe('the format of state', () => {
  it('of tumbling windows is as it was', () => {
    const state = windowState(tumbling, ['text', 'flag'], basic)
    expect(schemaLines(state.parts)).toMatchInlineSnapshot(`
      [
        "progress: watermark: float64, firedEnd: float64, droppedTo: float64, paneMs: float64, origin: float64",
        "panes: text: string?, flag: boolean?, /pane: timestamp(ms, zoned), rows/rows: float64, texts/rows: float64, sumSmall/low: float64, sumSmall/middle: float64, sumFlagged/low: float64, sumFlagged/middle: float64, sumReal/sum: float64, sumReal/error: float64, sumReal/rows: float64, meanReal/sum: float64, meanReal/error: float64, meanReal/rows: float64, minSmall/first: float64, maxWhole/first: float64, maxWhole/second: float64, minWhole/first: float64, minWhole/second: float64, maxReal/first: float64, maxReal/seen: int32, minText/best: string?, maxText/best: string?",
      ]
    `)
    expect(prints(state.snapshot('whole'))).toMatchInlineSnapshot(`
      [
        "progress 1 6f8ba644dd130936",
        "panes 5 2a2e71e57022d036",
      ]
    `)
  })

  it('of sliding windows with sets, sketches, lists and objects is as it was', () => {
    const state = windowState({ kind: 'sliding', sizeMs: 20, slideMs: 10, offsetMs: 0 }, ['flag'], rich)
    expect(schemaLines(state.parts)).toMatchInlineSnapshot(`
      [
        "progress: watermark: float64, firedEnd: float64, droppedTo: float64, paneMs: float64, origin: float64",
        "panes: flag: boolean?, /pane: timestamp(ms, zoned), variance/rows: float64, variance/sum: float64, variance/sum-error: float64, variance/sum-rest: float64, variance/squares: float64, variance/squares-error: float64, variance/squares-rest: float64, stddev/rows: float64, stddev/sum: float64, stddev/sum-error: float64, stddev/sum-rest: float64, stddev/squares: float64, stddev/squares-error: float64, stddev/squares-rest: float64, median/values or sketch: bytes, p95/values or sketch: bytes, texts/distinct string: bytes, wholes/distinct int64: bytes, reals/distinct float64: bytes, aboutTexts/registers 2^14 string: bytes, aboutWholes/registers 2^14 int64: bytes, firstText/1 by time of string: bytes, lastText/1 by time descending of string: bytes, lastWhole/1 by time descending of int64: bytes, topTexts/2 by value of string: bytes, topWholes/3 by value descending of int64: bytes, topRows/2 by value descending of int32, string, int64: bytes, reals3/3 by time of float64: bytes, own/object: bytes",
      ]
    `)
    expect(prints(state.snapshot('whole'))).toMatchInlineSnapshot(`
      [
        "progress 1 6f8ba644dd130936",
        "panes 4 25efd0c5a27aee99",
      ]
    `)
  })

  it('of a global window has no times', () => {
    const state = windowState({ kind: 'global' }, ['small'], basic.slice(0, 1))
    expect(schemaLines(state.parts)).toMatchInlineSnapshot(`
      [
        "progress: watermark: float64, firedEnd: float64, droppedTo: float64, paneMs: float64, origin: float64",
        "panes: small: int32?, rows/rows: float64",
      ]
    `)
    expect(prints(state.snapshot('whole'))).toMatchInlineSnapshot(`
      [
        "progress 1 41a10eab424418b4",
        "panes 4 f0f4b1b396ed0cc3",
      ]
    `)
  })

  it('of sessions is as it was, with marks of what is gone', () => {
    const operator = windowOperator({ kind: 'session', gapMs: 10 }, ['flag'], basic.slice(0, 3))
    operator.push(batchOf(schema, windowRows), 0)
    const state = stateOf(operator)
    expect(schemaLines(state.parts)).toMatchInlineSnapshot(`
      [
        "progress: watermark: float64, droppedTo: float64, gapMs: float64",
        "sessions: flag: boolean?, /start: timestamp(ms, zoned), /last: timestamp(ms, zoned), /fired: boolean, /removed: boolean, rows/rows: float64, texts/rows: float64, sumSmall/low: float64, sumSmall/middle: float64",
      ]
    `)
    expect(prints(state.snapshot('changes'))).toMatchInlineSnapshot(`
      [
        "progress 1 451e757d896f4c83",
        "sessions 4 1d14b3a95f512ded",
      ]
    `)
    operator.push(batchOf(schema, [{ row: { ...(windowRows[0] as InRow).row, flag: true }, time: 31 }]), 0)
    const gone = state.snapshot('changes').flatMap(({ batch }) => batchToRows(batch))
    expect(gone).toMatchInlineSnapshot(`
      [
        {
          "/fired": false,
          "/last": 40,
          "/removed": true,
          "/start": 40,
          "flag": true,
          "rows/rows": 0,
          "sumSmall/low": 0,
          "sumSmall/middle": 0,
          "texts/rows": 0,
        },
        {
          "/fired": false,
          "/last": 40,
          "/removed": false,
          "/start": 31,
          "flag": true,
          "rows/rows": 2,
          "sumSmall/low": 8,
          "sumSmall/middle": 0,
          "texts/rows": 2,
        },
      ]
    `)
  })

  it('of keyed state and timers is as it was', () => {
    const state = processState()
    expect(schemaLines(state.parts)).toMatchInlineSnapshot(`
      [
        "progress: watermark: float64",
        "values: user: string, /removed: boolean, v: float64?, big int64(bigint): bytes?, said: string?, seen: boolean?",
        "list:list: user: string, /removed: boolean, /at: int32, /value: int64?",
        "map:map: user: string, /removed: boolean, /key: string, /value struct<a: float64>: bytes?, /order: float64",
        "timers: user: string, /removed: boolean, /name: string, /time: float64",
      ]
    `)
    expect(prints(state.snapshot('whole'))).toMatchInlineSnapshot(`
      [
        "progress 1 b66b1293aae4aa3d",
        "values 2 ea2fc9cd91929766",
        "list:list 3 e45d2e7f351ec3e1",
        "map:map 3 31cfc20350ca39ee",
        "timers 1 56f4460e3860e439",
      ]
    `)
  })

  it('of a lookup table is the rows of the table', () => {
    const table: Schema = { fields: [field('code', text, true), field('name', text, true)] }
    const stream: Schema = { fields: [field('key', text, true)] }
    const join = createLookupJoin(
      {
        kind: 'lookup-join',
        step: 'join',
        inputs: [],
        sidePorts: {},
        join: 'left',
        on: [{ left: 'key', right: 'code' }],
        columns: [{ name: 'name', column: 'name' }],
        schema: { fields: [field('key', text, true), field('name', text, true)] },
      },
      [stream, table],
      harness().context,
    )
    join.push(
      batchOf(table, [
        { row: { code: 'a', name: 'A' }, time: 0 },
        { row: { code: null, name: 'é' }, time: 0 },
      ]),
      1,
    )
    const state = stateOf(join)
    expect(schemaLines(state.parts)).toMatchInlineSnapshot(`
      [
        "table: code: string?, name: string?",
      ]
    `)
    expect(prints(state.snapshot('whole'))).toMatchInlineSnapshot(`
      [
        "table 2 a276fbfe7ad285de",
      ]
    `)
  })
})

describe('state that would mean something else', () => {
  const aggregates = basic.slice(0, 1)
  it.each([
    ['paneMs', tumbling, { kind: 'tumbling', sizeMs: 20, offsetMs: 0 }],
    ['origin', tumbling, { kind: 'tumbling', sizeMs: 10, offsetMs: 3 }],
    ['gapMs', { kind: 'session', gapMs: 10 }, { kind: 'session', gapMs: 11 }],
  ] as const)('is refused: another %s', (named, before, now) => {
    const restored = stateOf(windowOperator(now, ['flag'], aggregates))
    let error: unknown
    try {
      for (const rows of windowState(before, ['flag'], aggregates).snapshot('whole')) restored.restore(rows)
    } catch (thrown) {
      error = thrown
    }
    expect(isMillraceError(error) && error.code).toBe('checkpoint/incompatible')
    expect(isMillraceError(error) && error.detail).toContain(named)
  })

  it('has other names of columns: units of sums, types of sets and lists', () => {
    const named = (type: DataType): string => {
      const input: Schema = { fields: [field('k', text), field('v', type)] }
      const of = (aggregate: AggregateCall['aggregate']): AggregateCall => ({
        ...(basic[1] as AggregateCall),
        name: aggregate,
        aggregate,
        columns: ['v'],
        parameters: { n: 2 },
      })
      const node = windowNode(tumbling, [], [of('sum'), of('max'), of('count-distinct'), of('top')])
      return schemaLines(
        stateOf(createWindowAggregate(node, input, harness().context, { functions: new Map() })).parts,
      ).join()
    }
    const types: readonly DataType[] = [
      { kind: 'decimal', precision: 10, scale: 2 },
      { kind: 'decimal', precision: 10, scale: 3 },
      { kind: 'int64', rows: 'number' },
      { kind: 'int32' },
    ]
    expect(new Set(types.map(named)).size).toBe(types.length)
  })
})

const processInput: Schema = { fields: [field('user', text), field('n', { kind: 'int32' })] }

function processState(): OperatorState {
  const types = {
    v: float,
    big: { kind: 'int64', rows: 'bigint' },
    said: text,
    seen: { kind: 'boolean' },
  } as const
  const declared = Object.entries(types).map(
    ([name, type]) => ({ name, kind: 'value', type, keyType: undefined }) as const,
  )
  const operator = createProcess(
    {
      kind: 'process',
      step: 'step',
      inputs: [],
      schema: { fields: [field('line', text)] },
      sidePorts: {},
      keys: ['user'],
      state: [
        ...declared,
        { name: 'list', kind: 'list', type: { kind: 'int64', rows: 'number' }, keyType: undefined },
        { name: 'map', kind: 'map', type: { kind: 'struct', fields: [field('a', float)] }, keyType: text },
      ],
      functionId: 'f',
    },
    processInput,
    harness().context,
    {
      functions: new Map([
        [
          'f',
          {
            onRow(row: unknown, context: ProcessContext) {
              const { n } = row as { n: number }
              const state = context.state as unknown as {
                [name: string]: { set(...values: unknown[]): void; add(value: unknown): void }
              }
              state['v']?.set(n / 2)
              state['big']?.set(2n ** 62n + BigInt(n))
              state['said']?.set(`é${n}`)
              state['seen']?.set(n > 0)
              state['list']?.add(n)
              state['map']?.set(`k${n}`, { a: n })
              context.setTimer('wake', n * 1000)
            },
            onTimer: () => undefined,
          },
        ],
      ]),
    },
  )
  const rows = [1, -2, 3].map((n) => ({ row: { user: n > 0 ? 'a' : 'b', n }, time: 0 }))
  operator.push(batchOf(processInput, rows), 0)
  advance(operator, -500)
  return stateOf(operator)
}

describe('accumulators of thousands of values', () => {
  it('come back to the last bit, sketches and registers too', () => {
    const rows = Array.from({ length: 5000 }, (_, n): InRow => {
      const small = ((n * 7919) % 1201) - 600
      const row: Row = { text: `text ${n % 2500}`, small, whole: n * 1e9, real: small / 8, flag: n % 3 === 0 }
      return { row: { ...row }, time: n % 10 }
    })
    const more = rows.map(({ row, time }) => ({
      row: { ...row, text: `more ${String((row as Row).text)}` },
      time,
    }))
    const result = (restart: boolean): unknown => {
      const out: Batch[] = []
      const { context } = harness({ batchRows: 100 })
      const make = (): Operator =>
        createWindowAggregate(
          windowNode(tumbling, ['flag'], rich),
          schema,
          { ...context, emit: (port) => (batch) => void (port === 'main' && out.push(batch)) },
          { functions: new Map([['own', ownFunctions]]) },
        )
      let operator = make()
      operator.push(batchOf(schema, rows), 0)
      if (restart) {
        const written = stateOf(operator).snapshot('whole')
        operator = make()
        for (const some of written) stateOf(operator).restore(some)
        stateOf(operator).restored?.()
      }
      operator.push(batchOf(schema, more), 0)
      advance(operator, Infinity)
      return out.flatMap((batch) => rowsOf(batch, 'main', { forwarded: 0, push: 0 }).map(({ row }) => row))
    }
    expect(result(true)).toEqual(result(false))
  })
})

describe('accumulators of users', () => {
  const userNode = windowNode(tumbling, [], [
    { name: 'own', aggregate: 'user', columns: ['small'], filter: undefined, parameters: {}, functionId: 'own', type: text, nullable: false },
  ]) // prettier-ignore

  function restoredValue(accumulator: unknown): unknown {
    let found: unknown
    const functions = {
      create: () => accumulator,
      add: () => undefined,
      merge: (a: unknown) => a,
      result: (a: unknown) => {
        found = a
        return ''
      },
    }
    const make = (): Operator =>
      createWindowAggregate(userNode, schema, harness().context, { functions: new Map([['own', functions]]) })
    const operator = make()
    operator.push(batchOf(schema, windowRows.slice(0, 1)), 0)
    const fresh = make()
    for (const rows of stateOf(operator).snapshot('whole')) stateOf(fresh).restore(rows)
    advance(fresh, Infinity)
    return found
  }

  it('come back as they were', () => {
    const accumulator = {
      missing: undefined,
      nothing: null,
      zero: -0,
      set: new Set(['a', 1]),
      map: new Map([[{ a: 1 }, [1n, undefined]]]),
      words: new Map([
        ['\ufeffid', 2],
        ['id', 2],
      ]),
      ['\ufeffmember']: '\ufeff',
      bytes: Uint8Array.of(1, 2),
      numbers: Float64Array.of(1.5, -0, Number.NaN),
      big: BigInt64Array.of(-1n),
    }
    expect(restoredValue(accumulator)).toStrictEqual(accumulator)
  })

  it('that would come back as something else are refused by name', () => {
    class Counter {
      count = 1
    }
    const endless: { self?: unknown } = {}
    endless.self = endless
    for (const [accumulator, named] of [
      [{ inner: new Counter() }, /class Counter/],
      [new Date(0), /class Date/],
      [() => 1, /function/],
      [endless, /nested/],
      [{ word: '\ud800' }, /surrogate/],
      [{ ['\ud800']: 1 }, /surrogate/],
    ] as const) {
      let error: unknown
      try {
        restoredValue(accumulator)
      } catch (thrown) {
        error = thrown
      }
      expect(isMillraceError(error) && error.code).toBe('value/invalid')
      expect(isMillraceError(error) && `${error.what} ${error.detail}`).toMatch(named)
      expect(isMillraceError(error) && error.what).toContain('aggregate "own"')
    }
  })
})
