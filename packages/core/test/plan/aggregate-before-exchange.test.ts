// The rule that lets aggregations begin in front of their exchange: where it is applied, and where it is not.
import { describe, expect, it } from 'vitest'
import { globalWindow, pipeline, session, sliding, t, tumbling } from '../../src/index.ts'
import type { RejectingStream } from '../../src/index.ts'
import {
  checkPlan,
  explain,
  explanationToMermaid,
  planFromJson,
  planPhysical,
  planToJson,
  stateHash,
} from '../../src/plan/index.ts'
import { optimizePlan } from '../../src/plan/optimize.ts'
import { blackhole } from '../../src/connect/blackhole.ts'
import type { LogicalPlan, PhysicalOptions } from '../../src/plan/index.ts'
import { flights, plannedSink } from '../sdk/planned-ends.ts'
import type { Flight } from '../sdk/planned-ends.ts'

type Write = (stream: { write(step: string, sink: never): unknown }) => unknown

function written(make: (source: RejectingStream<Flight>, write: Write) => unknown): LogicalPlan {
  const built = pipeline('test', (p) => {
    let sinks = 0
    const write: Write = (stream) => stream.write(`out${sinks++}`, plannedSink('out') as never)
    make(p.read('flights', flights, { eventTime: 'date' }), write)
  }).build()
  return optimizePlan(built.plan)
}

/** The steps between source and sinks with what they read. */
function lines(plan: LogicalPlan, options: PhysicalOptions = { parallelism: 2 }): string[] {
  return planPhysical(plan, options).logical.nodes.flatMap((node) =>
    node.kind === 'source' || node.kind === 'sink' || node.kind === 'transform'
      ? []
      : [`${node.step} (${node.kind}) <- ${node.inputs.map(({ step, port }) => `${step}.${port}`).join(', ')}`],
  )
} // prettier-ignore

function partials(make: Parameters<typeof written>[0]): number {
  return lines(written(make)).filter((line) => line.includes('(partial-aggregate)')).length
}

const hourly = written((f, write) =>
  write(
    f
      .keyBy('key', 'origin')
      .window(tumbling('1 h'))
      .aggregate('agg', (a) => ({ n: a.count(), far: a.max('distance'), mean: a.mean('delay') })),
  ),
)

describe('an aggregation begins in front of its exchange', () => {
  it('in two halves: accumulators on a way of their own, other rows on the old one', () => {
    expect(lines(hourly)).toEqual([
      'agg/partial (partial-aggregate) <- flights.main',
      'key (key-by) <- agg/partial.raw',
      'agg/partial/key (key-by) <- agg/partial.main',
      'agg (window-aggregate) <- key.main, agg/partial/key.main',
    ])
  })

  it('and sends keys, the number of rows and the fields of accumulators', () => {
    const { logical } = planPhysical(hourly, { parallelism: 2 })
    const partial = logical.nodes.find(({ step }) => step === 'agg/partial')
    expect(partial?.schema.fields.map(({ name }) => name).join(' ')).toBe(
      'origin /rows n/rows far/first mean/low mean/middle mean/rows',
    )
  })

  it('without a key, and in front of the task that gathers all rows', () => {
    const plan = written((f, write) => write(f.window(globalWindow()).aggregate('agg', (a) => ({ n: a.count() }))))
    expect(lines(plan).at(-1)).toBe('agg (window-aggregate) <- agg/partial.raw, agg/partial.main')
  }) // prettier-ignore

  it('in sliding windows, and behind another aggregation', () => {
    expect(
      partials((f, write) =>
        write(
          f
            .keyBy('key', 'origin')
            .window(sliding('1 h', '10 min'))
            .aggregate('agg', (a) => ({ n: a.count() }))
            .keyBy('again', 'n')
            .window(tumbling('1 day'))
            .aggregate('all', (a) => ({ m: a.count() })),
        ),
      ),
    ).toBe(2)
  })

  it('and keeps what state is called, and the plan well formed in every form', () => {
    const { logical } = planPhysical(hourly, { parallelism: 3 })
    checkPlan(logical)
    expect(stateHash(logical)).toBe(stateHash(hourly))
    expect(planFromJson(planToJson(logical))).toEqual(logical)
    expect(lines(logical)).toEqual(lines(hourly))
    expect(optimizePlan(logical).nodes.map(({ step }) => step)).toEqual(logical.nodes.map(({ step }) => step))
    expect(explanationToMermaid(explain({ plan: hourly }, { parallelism: 3 }))).toContain(
      'pre-aggregated before the exchange, per origin in windows of 1h',
    )
  })
})

describe('an aggregation stays whole', () => {
  const counted = (f: RejectingStream<Flight>, step = 'agg') =>
    f.keyBy(`${step}-key`, 'origin').window(tumbling('1 h')).aggregate(step, (a) => ({ n: a.count() })) // prettier-ignore

  it('with one task, or when it is told to', () => {
    const plan = written((f, write) => write(counted(f)))
    expect(lines(plan, { parallelism: 1 })).toHaveLength(2)
    expect(lines(plan, { parallelism: 2, preAggregate: false })).toHaveLength(2)
    expect(lines(plan, { parallelism: 2 })).toHaveLength(4)
  })

  it('where an aggregate cannot be sent half done', () => {
    for (const aggregate of ['quantile', 'distinct', 'first', 'custom'] as const) {
      const count = partials((f, write) =>
        write(
          f.keyBy('key', 'origin').window(tumbling('1 h')).aggregate('agg', (a) => ({
            n: a.count(),
            x:
              aggregate === 'quantile' ? a.quantile('distance', 0.5)
              : aggregate === 'distinct' ? a.countDistinct('distance')
              : aggregate === 'first' ? a.first('distance')
              : a.custom({ create: () => 0, add: (n) => n + 1, merge: (x, y) => x + y, result: (n) => n, type: t.int32() }),
          })),
        ),
      ) // prettier-ignore
      expect(count).toBe(0)
    }
  })

  it('in sessions', () => {
    expect(
      partials((f, write) =>
        write(
          f
            .keyBy('key', 'origin')
            .window(session('1 h'))
            .aggregate('agg', (a) => ({ n: a.count() })),
        ),
      ),
    ).toBe(0)
  })

  it('when late rows are read or taken', () => {
    const late = (f: RejectingStream<Flight>, write: Write): void => {
      const agg = counted(f)
      write(agg)
      write(agg.late)
    }
    expect(partials(late)).toBe(0)
    expect(
      partials((f) =>
        f
          .keyBy('key', 'origin')
          .window(tumbling('1 h'), { allowedLateness: '1 min' })
          .aggregate('agg', (a) => ({ n: a.count() }))
          .write('changes', blackhole()),
      ),
    ).toBe(0)
  })

  it('when another step reads the key-by', () => {
    expect(
      partials((f, write) => {
        const keyed = f.keyBy('key', 'origin')
        write(keyed.window(tumbling('1 h')).aggregate('one', (a) => ({ n: a.count() })))
        write(keyed.window(tumbling('1 day')).aggregate('two', (a) => ({ n: a.count() })))
      }),
    ).toBe(0)
  })

  it('when no row would change tasks', () => {
    // Everything comes from one task already, and goes to one.
    const plan = written((f, write) =>
      write(
        f
          .window(tumbling('1 h'))
          .aggregate('first', (a) => ({ n: a.count() }))
          .window(globalWindow())
          .aggregate('second', (a) => ({ n: a.max('n') })),
      ),
    )
    expect(lines(plan).filter((line) => line.includes('(partial-aggregate)'))).toEqual([
      expect.stringMatching('^first/partial '),
    ])
  })
})
