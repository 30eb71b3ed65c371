/** Joins when the pipeline is built: what is refused, in which words, and what explain says. */
import { describe, expect, it } from 'vitest'
import { pipeline, schema, sql, t } from '../../src/index.ts'
import type { KeyedStream, PipelineBuilder } from '../../src/index.ts'
import { explain, explanationToText } from '../../src/plan/index.ts'
import { flights, plannedSink, plannedSource } from './planned-ends.ts'
import type { Flight } from './planned-ends.ts'

type Keyed = KeyedStream<Flight, { readonly origin: string }>

function built(
  join: (left: Keyed, p: PipelineBuilder) => { write(name: string, sink: unknown): void },
): string {
  const job = pipeline('job', (p) => {
    const left = p.read('left', flights, { eventTime: 'date' }).keyBy('by-origin', 'origin')
    join(left as never, p).write('out', plannedSink('out'))
  })
  return explanationToText(explain(job.build()))
}

const right = (p: PipelineBuilder): Keyed =>
  p.read('right', flights, { eventTime: 'date' }).keyBy('also-by-origin', 'origin') as never

describe('the bounds of a join', () => {
  it.each([
    [['-5 min', '10 s'], 'from 5m before to 10s after the left one'],
    [['0 s', '10 min'], 'from the time of the left one to 10m after it'],
    [['-10 min', '0 s'], 'from 10m before the left one to its time'],
    [['-10 min', '-5 min'], 'from 10m to 5m before the left one'],
    [['5 min', '10 min'], 'from 5m to 10m after the left one'],
    [['0 s', '0 s'], 'at the time of the left one'],
    [['5 min', '5 min'], '5m after the left one'],
    [['-5 min', '-5 min'], '5m before the left one'],
  ] as const)('%s read well', (within, words) => {
    const text = built((left, p) => left.join('near', right(p), { within, select: { other: 'delay' } }))
    expect(text.replaceAll(/\s+/g, ' ')).toContain(`right rows ${words}`)
  })
})

describe('a join', () => {
  it('is explained with its bounds, what it keeps, and for how long', () => {
    const text = built((left, p) =>
      left.join('near', right(p), {
        within: ['-5 min', '10 s'],
        join: 'left',
        select: { other: 'delay' },
        where: sql`delay > other`,
      }),
    )
    const words = text.replaceAll(/\s+/g, ' ')
    expect(words).toContain('joins by-origin with also-by-origin where origin = origin')
    expect(words).toContain('right rows from 5m before to 10s after the left one')
    expect(words).toContain('delay > other')
    expect(words).toContain(
      'left rows stay 10s behind the watermark, right rows stay 5m behind the watermark',
    )
  })

  it.each<[string, (left: Keyed, p: PipelineBuilder) => never, string]>([
    [
      'bounds the wrong way round',
      (l, p) => l.join('j', right(p), { within: ['1 s', '-1 s'], select: {} }) as never,
      'the bounds of the join are the wrong way round',
    ],
    [
      'no bounds',
      (l, p) => l.join('j', right(p), { select: {} } as never) as never,
      'the join does not say how far apart rows may be',
    ],
    [
      'no columns',
      (l, p) => l.join('j', right(p), { within: [0, 1] } as never) as never,
      'the join does not say which columns of the right side it takes',
    ],
    [
      'a column that is there',
      (l, p) => l.join('j', right(p), { within: [0, 1], select: { delay: 'delay' } }) as never,
      'the left side has a column "delay" already',
    ],
    [
      'an unknown kind',
      (l, p) => l.join('j', right(p), { within: [0, 1], select: {}, join: 'outer' as never }) as never,
      'the join is "outer"',
    ],
    [
      'an unknown option',
      (l, p) => l.join('j', right(p), { within: [0, 1], select: {}, on: 'origin' } as never) as never,
      '"on"',
    ],
    [
      'a side without a key',
      (l, p) =>
        l.join('j', p.read('right', flights, { eventTime: 'date' }) as never, {
          within: [0, 1],
          select: {},
        }) as never,
      'the other side of the join has no key',
    ],
    [
      'nothing',
      (l) => l.join('j', undefined as never, { within: [0, 1], select: {} }) as never,
      'the other side of the join is no keyed stream',
    ],
    [
      'other keys',
      (l, p) =>
        l.join('j', p.read('right', flights, { eventTime: 'date' }).keyBy('k', 'distance') as never, {
          within: [0, 1],
          select: {},
        }) as never,
      'the keys "origin" and "distance" cannot be equal',
    ],
    [
      'more keys',
      (l, p) =>
        l.join(
          'j',
          p.read('right', flights, { eventTime: 'date' }).keyBy('k', ['origin', 'destination']) as never,
          { within: [0, 1], select: {} },
        ) as never,
      'the left side has a key of 1 column, the right side one of 2 columns',
    ],
    [
      'no event time',
      (l, p) =>
        l.join('j', p.read('right', flights).keyBy('k', 'origin') as never, {
          within: [0, 1],
          select: {},
        }) as never,
      'joins need event time',
    ],
    [
      'a condition that is none',
      (l, p) => l.join('j', right(p), { within: [0, 1], select: {}, where: sql`delay + 1` }) as never,
      'the condition is not true or false',
    ],
  ])('is refused with %s', (_, join, message) => {
    expect(() => built(join)).toThrow(message)
  })

  it('needs keys of one type', () => {
    const wide = plannedSource('wide', schema({ at: t.timestamp(), id: t.int64() }))
    const narrow = plannedSource('narrow', schema({ at: t.timestamp(), id: t.int32() }))
    const job = pipeline('job', (p) => {
      const other = p.read('narrow', narrow, { eventTime: 'at' }).keyBy('by-narrow', 'id')
      p.read('wide', wide, { eventTime: 'at' })
        .keyBy('by-wide', 'id')
        .join('j', other, { within: [0, 0], select: {} })
        .write('out', plannedSink('out'))
    })
    expect(() => job.build()).toThrow('the keys "id" and "id" cannot be equal')
  })
})
