// Options of steps that do not exist are refused where they stand, with what is near: JavaScript, a cast and
// `millrace run`, which checks no types, let them through.
import { describe, expect, it } from 'vitest'
import {
  globalWindow,
  isMillraceError,
  pipeline,
  schema,
  session,
  sliding,
  sql,
  t,
  tumbling,
} from '../../src/index.ts'
import type { RejectingStream } from '../../src/index.ts'
import { airports, flights, flightSchema, plannedSink } from './planned-ends.ts'
import type { Flight } from './planned-ends.ts'

/** A function that takes anything, as in JavaScript. */
type Loose = (...all: never[]) => unknown

type Flights = RejectingStream<Flight>

/** What building says. */
function refusal(build: () => unknown): { code: string; step: string | undefined; message: string } {
  try {
    build()
  } catch (error) {
    if (!isMillraceError(error)) throw error
    return { code: error.code, step: error.step, message: error.message }
  }
  throw new Error('nothing was refused')
}

/** What building a pipeline over flights says. */
function refusalOf(make: (source: Flights) => unknown): ReturnType<typeof refusal> {
  return refusal(() =>
    pipeline('test', (p) => {
      make(p.read('flights', flights, { eventTime: 'date' }))
    }).build({ check: false }),
  )
}

/** What reading with these options says. */
function readRefusal(options: object): ReturnType<typeof refusal> {
  return refusal(() =>
    pipeline('test', (p) => {
      p.read('flights', flights, options as never).write('out', plannedSink('out'))
    }).build(),
  )
}

/** What declaring this option says. */
function declareRefusal(declaration: object): ReturnType<typeof refusal> {
  return refusal(() =>
    pipeline('test', (p) => {
      p.option('limit', declaration as never)
    }).build(),
  )
}

/** What the compiler would refuse. */
const not = (value: unknown): never => value as never
const select = { airport: 'name' } as const

describe('options of steps', () => {
  it.each<[string, (f: Flights) => unknown, string]>([
    ['filter', (f) => f.filter('x', () => true, not({ use: ['delay'] })), 'did you mean "uses"?'],
    [
      'filter by sql',
      (f) => f.filter('x', sql`delay > 1`, not({ onErrors: 'reject' })),
      'did you mean "onError"?',
    ],
    ['onError', (f) => f.filter('x', () => true, { onError: not('drop') }), "expected 'fail' or 'reject'"],
    ['map', (f) => f.map('x', flightSchema, (r) => r, { onError: not('rejct') }), "did you mean 'reject'?"],
    [
      'with',
      (f) => f.with('x', { a: t.int32() }, () => ({ a: 1 }), not({ used: [] })),
      'did you mean "uses"?',
    ],
    [
      'flatMap',
      (f) => f.flatMap('x', flightSchema, (r) => [r], not({ onErorr: 1 })),
      'did you mean "onError"?',
    ],
    [
      'uses as text',
      (f) => f.filter('x', () => true, { uses: not('delay') }),
      'the option "uses" is not a list',
    ],
    ['uses as null', (f) => f.filter('x', () => true, not(null)), 'are null'],
    [
      'lookupJoin',
      (f) => f.lookupJoin('x', not(f), not({ on: { origin: 'origin' }, kind: 'inner', select })),
      'a lookup join has no option "kind"',
    ],
    [
      'lookupJoin without',
      (f) => f.lookupJoin('x', not(f), not(undefined)),
      'the lookup join has no "select"',
    ],
    ['lookupJoin on', (f) => f.lookupJoin('x', not(f), not({ select })), 'the lookup join has no "on"'],
    [
      'process',
      (f) =>
        f
          .keyBy('k', 'origin')
          .process('x', not({ output: flightSchema, onRow: () => {}, onTimers: () => {} })),
      'did you mean "onTimer"?',
    ],
    [
      'process with onError',
      (f) =>
        f
          .keyBy('k', 'origin')
          .process('x', not({ output: flightSchema, onRow: () => {}, onError: 'reject' })),
      'catch the error in onRow',
    ],
    [
      'allowedLateness',
      (f) =>
        f.window(tumbling('1 h'), not({ allowedLatenes: '1 h' })).aggregate('x', (a) => ({ n: a.count() })),
      'did you mean "allowedLateness"?',
    ],
    [
      'top',
      (f) => f.window(globalWindow()).aggregate('x', (a) => ({ n: a.top('delay', 3, not({ by: 'asc' })) })),
      'top has no option "by"',
    ],
    [
      'collect',
      (f) => f.window(globalWindow()).aggregate('x', (a) => ({ n: a.collect('delay', not({ mx: 3 })) })),
      'did you mean "max"?',
    ],
    [
      'approximateDistinct',
      (f) =>
        f
          .window(globalWindow())
          .aggregate('x', (a) => ({ n: a.approximateDistinct('delay', not({ precison: 3 })) })),
      'did you mean "precision"?',
    ],
    [
      'an argument too many',
      (f) =>
        f
          .window(globalWindow())
          .aggregate('x', (a) => ({ n: (a.quantile as Loose)(not('delay'), not(0.5), not({})) as never })),
      'it takes 2 arguments, not 3',
    ],
    [
      'custom',
      (f) =>
        f.window(globalWindow()).aggregate('x', (a) => ({
          n: a.custom(not({ create() {}, add() {}, merge() {}, result() {}, type: t.int32(), use: [] })),
        })),
      'did you mean "uses"?',
    ],
  ])('%s', (_, make, said) => {
    const { code, step, message } = refusalOf(make)
    expect({ code, step }).toEqual({ code: 'plan/invalid-argument', step: 'x' })
    expect(message).toContain(said)
  })

  it('a process step may be an instance of a class with members of its own', () => {
    class Firsts {
      readonly output = schema({ origin: t.string() })
      readonly limit = 3
      onRow(): void {}
    }
    const made = pipeline('test', (p) => {
      p.read('flights', flights)
        .keyBy('k', 'origin')
        .process('x', new Firsts())
        .write('out', plannedSink('out'))
    })
    expect(made.build().plan.nodes.map(({ step }) => step)).toContain('x')
  })
})

describe('options of windows and types', () => {
  it.each<[string, () => unknown, string]>([
    ['tumbling', () => tumbling('1 h', not({ ofset: '1 min' })), 'did you mean "offset"?'],
    ['sliding', () => sliding('1 h', '1 min', not({ shift: 1 })), 'sliding has no option "shift"'],
    ['sliding without a slide', () => sliding('1 h', not({ slide: '1 min' })), 'duration'],
    ['session', () => (session as Loose)(not('1 h'), not({ max: '2 h' })), 'session has no option "max"'],
    ['timestamp', () => t.timestamp('ms', not({ zone: 'UTC' })), 'did you mean "zoned"?'],
    ['the value of zoned', () => t.timestamp('ms', { zoned: not('UTC') }), 'expected true or false'],
  ])('%s', (_, make, said) => {
    expect(refusal(make).message).toContain(said)
  })
})

describe('options of reading, of options and of building', () => {
  it.each<[object, string]>([
    [{ eventTme: 'date' }, 'did you mean "eventTime"?'],
    [{ onError: 'drop' }, "expected 'fail' or 'reject'"],
    [{ follow: true }, "go to the file's own function"],
    [{ eventTime: { column: 'date', disordr: '1 s' } }, 'did you mean "disorder"?'],
    [{ eventTime: { column: 'date', onMissing: 'drop' } }, "expected 'fail' or 'reject'"],
    [{ eventTime: { column: 'date', watermark: 'atend' } }, "did you mean 'at-end'?"],
    [{ eventTime: { column: 'date', watermark: { form: 'date' } } }, 'did you mean "from"?'],
    [{ eventTime: { disorder: '1 s' } }, 'event time names no column'],
  ])('p.read with %j', (options, said) => {
    const { code, step, message } = readRefusal(options)
    expect({ code, step }).toEqual({ code: 'plan/invalid-argument', step: 'flights' })
    expect(message).toContain(said)
  })

  it.each<[object, string]>([
    [{ default: 1, descripton: 'x' }, 'did you mean "description"?'],
    [{ default: 1, type: 'number' }, "the only type that is written is 'duration'"],
    [{ type: 'duration', default: '1 s', choices: ['1 s'] }, 'has no option "choices"'],
    [not(undefined), 'has no declaration'],
  ])('p.option with %j', (declaration, said) => {
    expect(declareRefusal(declaration).message).toContain(said)
  })

  it('build shows where options of the pipeline stand', () => {
    const made = pipeline('test', (p) => {
      p.option('limit', { default: 1 })
      p.read('airports', airports).write('out', plannedSink('out'))
    })
    const { code, message } = refusal(() => made.build(not({ limit: 3 })))
    expect(code).toBe('plan/invalid-argument')
    expect(message).toContain('build({ set: { limit: … } })')
  })
})
