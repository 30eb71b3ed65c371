// Rewriting changes no answer: random pipelines give the same rows before and after, interpreted row by row.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { globalWindow, pipeline, schema, t } from '../../src/index.ts'
import type { Stream } from '../../src/index.ts'
import { sqlText } from '../../src/expr/index.ts'
import {
  checkPlan,
  inputSchema,
  nodesByStep,
  optimize,
  planPhysical,
  stateHash,
} from '../../src/plan/index.ts'
import type { BuiltPlan, LogicalPlan } from '../../src/plan/index.ts'
import { plannedSink, plannedSource } from '../sdk/planned-ends.ts'
import { interpret } from './interpret.ts'
import type { PlainRow } from './interpret.ts'

const eventSchema = schema({
  a: t.int32(),
  b: t.int32().nullable(),
  c: t.int32(),
  d: t.int32().nullable(),
  flag: t.boolean(),
})
const tableSchema = schema({ id: t.int32(), size: t.int32(), note: t.int32().nullable() })

/** One step on one of the streams so far; numbers are taken modulo what there is. */
interface Move {
  readonly kind:
    | 'where' | 'select' | 'extend' | 'omit' | 'rename' | 'not-null' | 'filter' | 'filter-uses' | 'with' | 'map'
    | 'union' | 'join' | 'aggregate'
  readonly on: number
  readonly x: number
  readonly y: number
} // prettier-ignore

const kinds: readonly Move['kind'][] = [
  'where', 'where', 'select', 'extend', 'extend', 'omit', 'rename', 'not-null', 'filter', 'filter-uses', 'with', 'map',
  'union', 'union', 'join', 'aggregate',
] // prettier-ignore

const move: fc.Arbitrary<Move> = fc.record({
  kind: fc.constantFrom(...kinds),
  on: fc.nat(7),
  x: fc.nat(7),
  y: fc.nat(7),
})

type Loose = Stream<{ readonly [name: string]: number | null }>

/** A stream whose columns the compiler does not know. */
function loose(stream: unknown): Loose {
  return stream as Loose
}

function numbersOf(stream: Loose): string[] {
  return stream.schema.fields.filter(({ type }) => /^(u?int|float)/.test(type.kind)).map(({ name }) => name)
}

function applyMove(stream: Loose, table: Loose, { kind, x, y }: Move, step: string): Loose {
  const all = stream.schema.fields.map(({ name }) => name)
  const numbers = numbersOf(stream)
  const one = numbers[x % numbers.length] ?? 'none'
  const two = numbers[y % numbers.length] ?? 'none'
  if (numbers.length === 0) return stream.where(step, sqlText('true'))
  switch (kind) {
    case 'where': {
      const conditions = [
        `"${one}" > ${y - 3}`,
        `"${one}" is null or "${two}" < 4`,
        `"${one}" + "${two}" > 0`,
        `"${one}" <> "${two}"`,
      ]
      return stream.where(step, sqlText(conditions[(x + y) % conditions.length] ?? 'true'))
    }
    case 'select':
      return stream.select(
        step,
        all.filter((name, at) => name === one || (at + y) % 2 === 0),
      )
    case 'extend':
      return loose(
        stream.extend(step, {
          [y % 3 === 0 ? one : `${step}_x`]: sqlText(`"${one}" * 2 + coalesce("${two}", 1)`),
        }),
      )
    case 'omit':
      return all.length > 1 ? loose(stream.omit(step, one)) : stream.where(step, sqlText('true'))
    case 'rename':
      return stream.rename(step, { [one]: `${step}_r` }) as unknown as Loose
    case 'not-null':
      return stream.notNull(step, one) as unknown as Loose
    case 'filter':
      return stream.filter(step, (row) => Object.values(row).filter((value) => value === null).length < 2)
    case 'filter-uses':
      return stream.filter(step, (row) => (row[one] ?? 0) > x - 4, { uses: [one] })
    case 'with':
      return stream.with(
        step,
        { [`${step}_w`]: t.int32() },
        (row) => ({ [`${step}_w`]: (row[one] ?? 5) % 3 }) as never,
        {
          uses: [one],
        },
      ) as unknown as Loose
    case 'map':
      return stream.map(step, schema({ a: t.int32().nullable(), z: t.int32().nullable() }), (row) => ({
        a: row[one] ?? null,
        z: row[two] ?? null,
      })) as unknown as Loose
    case 'union':
      return stream
        .where(`${step}-p`, sqlText(`"${one}" > ${x}`))
        .union(step, x % 2 === 0 ? stream : stream.where(`${step}-q`, sqlText(`"${two}" <= ${y}`)))
    case 'join': {
      const select =
        y % 2 === 0 ? { [`${step}_s`]: 'size' } : { [`${step}_s`]: 'size', [`${step}_n`]: 'note' }
      return stream.lookupJoin(step, table, {
        on: { [one]: 'id' } as never,
        join: x % 2 === 0 ? 'left' : 'inner',
        select,
      }) as unknown as Loose
    }
    case 'aggregate':
      return stream
        .keyBy(`${step}-key`, one)
        .window(globalWindow())
        .aggregate(step, (a) => ({
          [`${step}_n`]: a.count(),
          [`${step}_s`]: a.sum(sqlText(`"${two}" + 1`)).filter(sqlText(`"${two}" > 0`)),
        })) as unknown as Loose
  }
}

/** A pipeline of these moves; every stream that nothing else reads is written. */
function built(moves: readonly Move[]): BuiltPlan {
  return pipeline('random', (p) => {
    const table = p.read('table', plannedSource('table', tableSchema)) as unknown as Loose
    const streams = [p.read('events', plannedSource('events', eventSchema)) as unknown as Loose]
    const read = new Set<number>()
    let joined = false
    moves.forEach((one, at) => {
      const on = one.on % streams.length
      const stream = streams[on] as Loose
      const int = numbersOf(stream).every(
        (name) => stream.schema.fields.find((field) => field.name === name)?.type.kind === 'int32',
      )
      // A sum is 64 bits wide, and the table's id is 32.
      const { kind } = one
      const fits = kind === 'join' || kind === 'with' || kind === 'map' ? int : true
      const chosen: Move = fits ? one : { ...one, kind: 'where' }
      joined ||= chosen.kind === 'join' && numbersOf(stream).length > 0
      streams.push(applyMove(stream, table, chosen, `s${at}`))
      read.add(on)
    })
    streams.forEach((stream, at) => {
      if (!read.has(at)) stream.write(`out${at}`, plannedSink(`out${at}`))
    })
    if (!joined) table.write('table-out', plannedSink('table'))
  }).build({ check: false })
}

const small = fc.integer({ min: -4, max: 8 })
const event = fc.record({
  a: small,
  b: fc.option(small, { nil: null }),
  c: small,
  d: fc.option(small, { nil: null }),
  flag: fc.boolean(),
})
const entry = fc.record({ id: small, size: small, note: fc.option(small, { nil: null }) })

function sorted(rows: readonly PlainRow[] | undefined): string[] {
  return (rows ?? []).map((row) => JSON.stringify(row)).toSorted()
}

/** Every edge carries what its reader was told it would. */
function checkSchemas(plan: LogicalPlan): void {
  const nodes = nodesByStep(plan)
  for (const node of plan.nodes) {
    if (node.kind !== 'sink' && node.kind !== 'union') continue
    const promised = node.schema.fields.map(({ name }) => name)
    const given = node.inputs.map((_, at) => inputSchema(nodes, node, at).fields.map(({ name }) => name))
    expect(given).toEqual(node.inputs.map(() => promised))
  }
}

describe('rewriting', () => {
  it('gives the same rows as the plan that was written', () => {
    fc.assert(
      fc.property(
        fc.array(move, { minLength: 1, maxLength: 9 }),
        fc.array(event, { maxLength: 12 }),
        fc.array(entry, { maxLength: 4 }),
        (moves, events, table) => {
          const before = built(moves)
          const after = optimize(before)
          checkPlan(after.plan)
          checkSchemas(after.plan)
          expect(stateHash(after.plan)).toBe(stateHash(before.plan))
          expect(stateHash(planPhysical(after.plan, { parallelism: 3 }).logical)).toBe(stateHash(before.plan))
          const expected = interpret(before, { events, table })
          const given = interpret(after, { events, table })
          expect(Object.keys(given)).toEqual(Object.keys(expected))
          for (const sink of Object.keys(expected))
            expect(sorted(given[sink])).toEqual(sorted(expected[sink]))
        },
      ),
      { numRuns: 400 },
    )
  })

  it('is done once it is done', () => {
    fc.assert(
      fc.property(fc.array(move, { minLength: 1, maxLength: 9 }), (moves) => {
        const once = optimize(built(moves))
        expect(optimize(once).plan).toEqual(once.plan)
      }),
      { numRuns: 100 },
    )
  })

  it('gives plans whose stages hold every step once and send forwards only', () => {
    fc.assert(
      fc.property(
        fc.array(move, { minLength: 1, maxLength: 9 }),
        fc.integer({ min: 1, max: 4 }),
        (moves, parallelism) => {
          const physical = planPhysical(optimize(built(moves)).plan, { parallelism })
          const stageOf = new Map(
            physical.stages.flatMap(({ id, steps }) => steps.map((step) => [step, id] as const)),
          )
          const steps = physical.logical.nodes.map(({ step }) => step)
          expect(physical.stages.flatMap((stage) => stage.steps).toSorted()).toEqual(steps.toSorted())
          const exchanged = new Set(physical.exchanges.map(({ to }) => `${to.step} ${to.input}`))
          for (const node of physical.logical.nodes) {
            node.inputs.forEach((input, at) => {
              const sameStage = stageOf.get(input.step) === stageOf.get(node.step)
              expect(exchanged.has(`${node.step} ${at}`)).toBe(!sameStage)
            })
          }
          // Stages can be put in an order in which each sends to later ones only.
          const waiting = new Map(physical.stages.map(({ id }) => [id, new Set<number>()]))
          for (const { from, to } of physical.exchanges) {
            waiting.get(stageOf.get(to.step) ?? -1)?.add(stageOf.get(from.step) ?? -1)
          }
          while (waiting.size > 0) {
            const free = [...waiting].find(([, before]) => [...before].every((id) => !waiting.has(id)))
            expect(free).toBeDefined()
            waiting.delete(free?.[0] ?? -1)
          }
        },
      ),
      { numRuns: 200 },
    )
  })
})
