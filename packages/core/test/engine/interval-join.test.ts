/** Interval joins against a naive one, cut anywhere, and at any parallelism. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Schema } from '../../src/data/type.ts'
import { createIntervalJoin } from '../../src/engine/join/interval-join.ts'
import type { Expression } from '../../src/expr/expression.ts'
import type { IntervalJoinNode, JoinColumn, JoinKind } from '../../src/plan/logical.ts'
import type { OutRow } from './operator-harness.ts'
import { cutsArbitrary, runStep, without } from './state-harness.ts'
import type { Cut, StepEvent, StepOptions, StepRun } from './state-harness.ts'

const leftSchema: Schema = {
  fields: [
    { name: 'key', type: { kind: 'string' }, nullable: true },
    { name: 'id', type: { kind: 'int32' }, nullable: false },
    { name: 'size', type: { kind: 'float64' }, nullable: true },
  ],
}
const rightSchema: Schema = {
  fields: [
    { name: 'text', type: { kind: 'string' }, nullable: true },
    { name: 'code', type: { kind: 'string' }, nullable: true },
    { name: 'most', type: { kind: 'float64' }, nullable: true },
  ],
}

const columns: readonly JoinColumn[] = [
  { name: 'id', side: 'left', column: 'id' },
  { name: 'key', side: 'left', column: 'key' },
  { name: 'size', side: 'left', column: 'size' },
  { name: 'text', side: 'right', column: 'text' },
  { name: 'most', side: 'right', column: 'most' },
]

const number = (name: string): Expression => ({
  kind: 'column',
  name,
  type: { kind: 'float64' },
  nullable: true,
})
const isBelow: Expression = {
  kind: 'call',
  name: '<',
  arguments: [number('size'), number('most')],
  type: { kind: 'boolean' },
  nullable: true,
}

interface Shape {
  readonly join: JoinKind
  readonly lowerMs: number
  readonly upperMs: number
  readonly allowedLatenessMs: number
  readonly hasCondition: boolean
}

function nodeOf({ join, lowerMs, upperMs, allowedLatenessMs, hasCondition }: Shape): IntervalJoinNode {
  const isHalf = join === 'semi' || join === 'anti'
  const fields = columns
    .filter(({ side }) => side === 'left' || !isHalf)
    .map(({ name, side, column }) => {
      const { fields: own } = side === 'left' ? leftSchema : rightSchema
      const field = own.find((one) => one.name === column) as Schema['fields'][number]
      return { ...field, name, nullable: true }
    })
  return {
    kind: 'interval-join',
    step: 'join',
    inputs: [
      { step: 'left', port: 'main' },
      { step: 'right', port: 'main' },
    ],
    schema: { fields },
    sidePorts: { late: leftSchema, 'late-right': rightSchema },
    join,
    on: [{ left: 'key', right: 'code' }],
    lowerMs,
    upperMs,
    allowedLatenessMs,
    columns,
    condition: hasCondition ? isBelow : undefined,
  }
}

const shapes: fc.Arbitrary<Shape> = fc
  .record({
    join: fc.constantFrom<JoinKind>('inner', 'left', 'right', 'full', 'semi', 'anti'),
    bounds: fc.tuple(fc.integer({ min: -12, max: 12 }), fc.integer({ min: -12, max: 12 })),
    allowedLatenessMs: fc.constantFrom(0, 0, 7),
    hasCondition: fc.boolean(),
  })
  .map(({ bounds: [a, b], ...shape }) => ({ ...shape, lowerMs: Math.min(a, b), upperMs: Math.max(a, b) }))

const key = fc.constantFrom('a', 'b', 'a longer key than others', '', null)
const size = fc.option(fc.integer({ min: 0, max: 5 }), { nil: null })

const eventsArbitrary: fc.Arbitrary<readonly StepEvent[]> = fc
  .array(
    fc.record({
      kind: fc.constantFrom('left', 'left', 'right', 'right', 'watermark'),
      key,
      size,
      at: fc.integer({ min: -15, max: 15 }),
      text: fc.option(fc.string({ maxLength: 5 }), { nil: null }),
    }),
    { minLength: 3, maxLength: 50 },
  )
  .map((events) =>
    events.map((event, n): StepEvent => {
      const time = 2 * n + event.at - 40
      switch (event.kind) {
        case 'watermark':
          return { kind: 'watermark', time: time - 8 }
        case 'left':
          return { kind: 'row', input: 0, time, row: { key: event.key, id: n, size: event.size } }
        default:
          return { kind: 'row', input: 1, time, row: { code: event.key, text: event.text, most: event.size } }
      }
    }),
  )

type Row = StepEvent & { readonly kind: 'row' }

interface Expected {
  readonly rows: readonly string[]
  readonly late: readonly string[]
}

/** The rows of the answer as texts, in order; what is late has come behind the watermark. */
function naive(shape: Shape, events: readonly StepEvent[]): Expected {
  let watermark = -Infinity
  const sides: [Row[], Row[]] = [[], []]
  const late: string[] = []
  for (const event of events) {
    if (event.kind === 'watermark') watermark = Math.max(watermark, event.time)
    else if (watermark > event.time + shape.allowedLatenessMs) late.push(textOf(event.row))
    else sides[event.input === 1 ? 1 : 0].push(event)
  }
  const [lefts, rights] = sides
  const joins = (left: Row, right: Row): boolean => {
    const l = left.row as { key: string | null; size: number | null }
    const r = right.row as { code: string | null; most: number | null }
    if (l.key === null || l.key !== r.code) return false
    const distance = right.time - left.time
    if (distance < shape.lowerMs || distance > shape.upperMs) return false
    return !shape.hasCondition || (l.size !== null && r.most !== null && l.size < r.most)
  }
  const { join } = shape
  const rows: string[] = []
  const give = (left: Row | undefined, right: Row | undefined, time: number): void => {
    const all = { ...nulls, ...left?.row, ...right?.row } as Record<string, unknown>
    const names = nodeOf(shape).schema.fields.map(({ name }) => name)
    rows.push(textOf({ ...Object.fromEntries(names.map((name) => [name, all[name] ?? null])), time }))
  }
  const isHalf = join === 'semi' || join === 'anti'
  if (!isHalf) {
    for (const left of lefts)
      for (const right of rights) if (joins(left, right)) give(left, right, Math.max(left.time, right.time))
  }
  for (const left of lefts) {
    const hasPartner = rights.some((right) => joins(left, right))
    if (join === 'semi' ? hasPartner : !hasPartner && (join === 'left' || join === 'full' || join === 'anti'))
      give(left, undefined, left.time)
  }
  if (join === 'right' || join === 'full') {
    for (const right of rights)
      if (!lefts.some((left) => joins(left, right))) give(undefined, right, right.time)
  }
  return { rows: rows.toSorted(), late: late.toSorted() }
}

const nulls = { id: null, key: null, size: null, text: null, most: null }

function textOf(row: object): string {
  return JSON.stringify(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function optionsOf(shape: Shape, tasks: number, batch: number): StepOptions {
  return {
    make: (context) => createIntervalJoin(nodeOf(shape), [leftSchema, rightSchema], context),
    schema: leftSchema,
    keys: ['key'],
    second: { schema: rightSchema, keys: ['code'] },
    batch,
    tasks,
  }
}

function outcome({ out }: StepRun): Expected {
  const of = (isMain: boolean): OutRow[] => out.filter(({ port }) => (port === 'main') === isMain)
  return {
    rows: of(true)
      .map(({ row, eventTime }) => textOf({ ...row, time: eventTime }))
      .toSorted(),
    late: of(false)
      .map(({ row }) => textOf(row))
      .toSorted(),
  }
}

const batchRows = fc.integer({ min: 1, max: 12 })
const tasks = fc.integer({ min: 1, max: 3 })

describe('an interval join', () => {
  it('gives what a naive one gives, once (IJ1), never behind the watermark it told (IJ3), and keeps nothing (IJ4)', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, eventsArbitrary, batchRows, tasks, async (shape, events, batch, count) => {
        const run = await runStep(events, { ...optionsOf(shape, count, batch), batchRows: 3 }, [])
        expect(outcome(run)).toEqual(naive(shape, events))
        const behind = run.out.filter(
          ({ port, eventTime, forwarded }) => port === 'main' && (eventTime as number) < forwarded,
        )
        expect(behind).toEqual([])
        for (const { h } of run.tasks)
          expect([h.counters.stateEntries, h.counters.waitingRows]).toEqual([0, 0])
      }),
      { numRuns: 200 },
    )
  })

  it('goes on after cuts at any place, in any number of tasks', async () => {
    await fc.assert(
      fc.asyncProperty(
        shapes,
        eventsArbitrary,
        batchRows,
        cutsArbitrary,
        async (shape, events, batch, cuts) => {
          const run = await runStep(events, optionsOf(shape, 2, batch), cuts)
          expect(outcome(run)).toEqual(naive(shape, events))
        },
      ),
      { numRuns: 100 },
    )
  })

  const shape: Shape = { join: 'left', lowerMs: -5, upperMs: 5, allowedLatenessMs: 0, hasCondition: false }
  const events: readonly StepEvent[] = [
    { kind: 'row', input: 0, time: 10, row: { key: 'a', id: 1, size: 1 } },
    { kind: 'row', input: 1, time: 12, row: { code: 'a', text: 'one', most: 2 } },
    { kind: 'row', input: 0, time: 11, row: { key: 'b', id: 2, size: 1 } },
    { kind: 'watermark', time: 16 },
    { kind: 'watermark', time: 17 },
    { kind: 'watermark', time: 30 },
  ]

  const cut: Cut = { at: 0.5, scope: 'changes', restart: 1 }

  it('gives rows without a partner when the watermark has passed the last one that could come (IJ2)', async () => {
    const gone = async (last: number): Promise<unknown[]> => {
      const some = events
        .slice(0, 4)
        .map((event) => (event.kind === 'watermark' ? { ...event, time: last } : event))
      const node = nodeOf(shape)
      const seen: unknown[] = []
      const options = optionsOf(shape, 1, 1)
      await runStep(
        some,
        {
          ...options,
          make: (context) => {
            const operator = createIntervalJoin(node, [leftSchema, rightSchema], context)
            const { advance } = operator
            operator.advance = (watermark) => {
              const isDone = advance.call(operator, watermark)
              const { stateEntries, waitingRows } = context.counters
              if (watermark === last) seen.push([stateEntries, waitingRows])
              return isDone
            }
            return operator
          },
        },
        [],
      )
      return seen
    }
    // All rows, and those that wait for a partner. Rows 1 and 2 of the left and one of the right: those at 10 and 11 live up to 15 and 16, the right one up to 17.
    expect(await gone(15)).toEqual([[3, 1]])
    expect(await gone(16)).toEqual([[2, 1]])
    expect(await gone(17)).toEqual([[1, 0]])
    expect(await gone(18)).toEqual([[0, 0]])
  })

  it('takes parts of a millisecond as the millisecond that they are in', async () => {
    const parts: readonly StepEvent[] = [0.5, 1.5, 2.5, 1000].flatMap((time, n): StepEvent[] => [
      { kind: 'row', input: 0, time, row: { key: 'a', id: n, size: 1 } },
      { kind: 'row', input: 0, time: time + 0.25, row: { key: `${n}`, id: 10 + n, size: 1 } },
      { kind: 'row', input: 0, time, row: { key: null, id: 20 + n, size: 1 } },
    ])
    const whole = parts.map((event) =>
      event.kind === 'row' ? { ...event, time: Math.floor(event.time) } : event,
    )
    const run = await runStep(parts, optionsOf(shape, 1, 2), [cut])
    expect(outcome(run)).toEqual(naive(shape, whole))
  })

  it('a lost row of a snapshot is noticed', async () => {
    const whole = await runStep(events, optionsOf(shape, 1, 1), [cut])
    expect(outcome(whole)).toEqual(naive(shape, events))
    const spoil = without(({ part }, row) => part === 'left' && row === 1)
    const lost = await runStep(events, { ...optionsOf(shape, 1, 1), spoil }, [cut])
    expect(outcome(lost)).not.toEqual(naive(shape, events))
  })
})
