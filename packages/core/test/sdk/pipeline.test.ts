// Pipelines and their options: names, building, determinism, and what is refused before anything runs.
import { describe, expect, it } from 'vitest'
import { isMillraceError, isPipeline, pipeline, tumbling } from '../../src/index.ts'
import type { AggregatedStream, Pipeline, PipelineBuilder, Stream } from '../../src/index.ts'
import type { MillraceError } from '../../src/errors.ts'
import { ndjson, parquet } from '../../src/connect/files/index.ts'
import { buildHash } from '../../src/plan/index.ts'
import { flights, plannedSink } from './planned-ends.ts'
import type { Flight } from './planned-ends.ts'

/** A stream as JavaScript sees it: every method may be called. */
type Loose = Readonly<
  Record<'keyBy' | 'aggregate' | 'write' | 'process' | 'groupBy' | 'whree', (...args: unknown[]) => Loose>
>

/** The error of a call, which must be one of ours. */
function errorOf(run: () => unknown): MillraceError {
  try {
    run()
  } catch (error) {
    if (!isMillraceError(error)) throw error
    return error
  }
  throw new Error('nothing was thrown')
}

/** A pipeline that copies flights, with something done before. */
function copying(before: (p: PipelineBuilder) => void = () => undefined): Pipeline {
  return pipeline('copy', (p) => {
    before(p)
    p.read('flights', flights).write('out', plannedSink('out'))
  })
}

describe('a pipeline', () => {
  it('builds a plan with its objects beside it', () => {
    const built = copying().build()
    expect(built.plan.name).toBe('copy')
    expect(built.plan.nodes.map(({ step, kind }) => `${step}: ${kind}`)).toEqual([
      'flights: source',
      'out: sink',
    ])
    expect(built.bindings.sources.get('flights')).toBe(flights)
    expect(built.bindings.sinks.has('out')).toBe(true)
  })

  it('gives a plan that is frozen all the way down', () => {
    const { plan } = copying().build()
    expect(Object.isFrozen(plan.nodes)).toBe(true)
    expect(Object.isFrozen(plan.nodes[0]?.inputs)).toBe(true)
    expect(Object.isFrozen(plan.nodes[0]?.schema.fields[0])).toBe(true)
  })

  it('is known as one, and other values are not', () => {
    expect(isPipeline(copying())).toBe(true)
    expect(isPipeline({ name: 'copy', build: () => undefined })).toBe(false)
    expect(isPipeline(null)).toBe(false)
  })

  it('builds the same plan each time', () => {
    const made = copying()
    expect(buildHash(made.build())).toBe(buildHash(made.build()))
  })

  it('refuses to be built when two builds differ, and says where', () => {
    let count = 0
    const counting = pipeline('counting', (p) => {
      p.read('flights', flights).write(`out-${++count}`, plannedSink('out'))
    })
    const { code, message } = errorOf(() => counting.build())
    expect(code).toBe('plan/not-deterministic')
    expect(message).toContain('step "out-1" became "out-2"')
  })

  it('sees that the text of a function changed between two builds', () => {
    let count = 0
    const changing = pipeline('changing', (p) => {
      const fn =
        count++ === 0
          ? (f: { distance: number }) => f.distance > 1
          : (f: { distance: number }) => f.distance > 2
      p.read('flights', flights).filter('far', fn).write('out', plannedSink('out'))
    })
    expect(errorOf(() => changing.build()).message).toContain('the text of a function changed')
  })

  it('builds once when no check is asked for', () => {
    let count = 0
    const counting = pipeline('counting', (p) => {
      count++
      p.read('flights', flights).write('out', plannedSink('out'))
    })
    counting.build({ check: false })
    expect(count).toBe(1)
  })

  it.each(['', 'two words', '1st', 'a/b', 'x'.repeat(101)])('may not be named %j', (name) => {
    expect(errorOf(() => pipeline(name, () => undefined)).code).toBe('plan/invalid-name')
  })

  it('names what its function threw', () => {
    const broken = pipeline('broken', () => {
      throw new TypeError('no such thing')
    })
    const { code, message } = errorOf(() => broken.build())
    expect(code).toBe('pipeline/module-failed')
    expect(message).toContain('TypeError: no such thing')
  })

  it.each([
    ['aggregate', (f: Loose) => f.keyBy('k', 'origin').aggregate('x', () => ({})), 'stands behind .window('],
    [
      'write',
      (f: Loose) => f.keyBy('k', 'origin').write('x', plannedSink('out')),
      'behind .keyBy(…) comes .window(',
    ],
    ['process', (f: Loose) => f.process('x', {}), "stands behind .keyBy('name', key)"],
    ['groupBy', (f: Loose) => f.groupBy('x', 'origin'), 'did you mean .keyBy(…)?'],
    ['whree', (f: Loose) => f.whree('x', 'cancelled'), 'did you mean .where(…)?'],
  ])('says where %s would stand, or what is meant', (_, call, hint) => {
    const misplaced = pipeline('misplaced', (p) => void call(p.read('flights', flights) as unknown as Loose))
    const { code, hint: told } = errorOf(() => misplaced.build())
    expect([code, told]).toEqual(['pipeline/module-failed', expect.stringContaining(hint)])
  })

  it('gives no hint where it is not a step that is missing', () => {
    const own = pipeline('own', () => (undefined as unknown as Loose).write())
    expect(errorOf(() => own.build()).hint).toBeUndefined()
  })

  it('names the line of what was made before its step, and no step that it may have nothing to do with', () => {
    const misspelt = pipeline('misspelt', (p) => {
      const keyed = p.read('flights', flights, { eventTime: 'date' }).keyBy('by-origin', 'origin')
      p.read('planes', flights)
      keyed.window(tumbling('1 huor'))
    })
    const { code, place, step, hint, stack } = errorOf(() => misspelt.build())
    expect({ code, place, step }).toEqual({ code: 'duration/invalid', place: undefined, step: undefined })
    expect(hint).toContain("did you mean '1 hour'?")
    expect(stack).toContain('pipeline.test.ts')
  })

  it('says so too of options of a sink that cannot be', () => {
    const misspelt = pipeline('misspelt', (p) => {
      const read = p.read('flights', flights)
      p.read('planes', flights)
      read.write('out', parquet('out', { rol: 'epoch' } as object))
    })
    const { place, step, stack, message } = errorOf(() => misspelt.build())
    expect({ place, step }).toEqual({ place: undefined, step: undefined })
    expect(message).toContain('rol')
    expect(stack).toContain('pipeline.test.ts')
  })

  it('refuses the late rows of a step that has none', () => {
    const late = pipeline('late', (p) => {
      ;(p.read('flights', flights) as unknown as AggregatedStream<unknown, unknown>).late.write(
        'x',
        plannedSink('x'),
      )
    })
    expect(errorOf(() => late.build())).toMatchObject({ code: 'plan/invalid-argument', step: 'flights' })
  })

  it('refuses an asynchronous function', () => {
    const asynchronous = pipeline('asynchronous', (async () => undefined) as unknown as () => void)
    expect(errorOf(() => asynchronous.build()).message).toContain('asynchronous')
  })

  it('must write something', () => {
    const silent = pipeline('silent', (p) => void p.read('flights', flights))
    expect(errorOf(() => silent.build())).toMatchObject({ code: 'plan/no-sink' })
  })

  it('must do something with every step', () => {
    const half = copying((p) => void p.read('more', flights).filter('kept', () => true))
    expect(errorOf(() => half.build())).toMatchObject({ code: 'plan/no-sink', step: 'kept' })
  })

  it('refuses streams of another pipeline and of an earlier build', () => {
    const kept: Stream<Flight>[] = []
    pipeline('first', (p) => {
      const source = p.read('flights', flights)
      source.write('out', plannedSink('out'))
      kept.push(source)
    }).build({ check: false })
    const foreign = copying((p) => {
      p.read('more', flights).union('both', ...kept)
    })
    expect(errorOf(() => foreign.build({ check: false }))).toMatchObject({
      code: 'plan/foreign-stream',
      step: 'both',
    })
    expect(errorOf(() => kept[0]?.write('again', plannedSink('out')))).toMatchObject({
      code: 'plan/foreign-stream',
    })
  })
})

describe('options', () => {
  const declared = (p: PipelineBuilder): unknown[] => [
    p.option('input', { default: 'a.parquet', description: 'what to read' }),
    p.option('limit', { default: 10 }),
    p.option('strict', { default: false }),
    p.option('window', { type: 'duration', default: '1 hour' }),
    p.option('size', { default: 'small', choices: ['small', 'large'] }),
  ]

  function valuesWith(set: { readonly [name: string]: string | number | boolean }): unknown[] {
    let values: unknown[] = []
    copying((p) => {
      values = declared(p)
    }).build({ set })
    return values
  }

  it('have their defaults', () => {
    expect(valuesWith({})).toEqual(['a.parquet', 10, false, 3_600_000, 'small'])
  })

  it('take text, as a command line gives it', () => {
    const set = { input: 'b.csv', limit: '2_500', strict: 'yes', window: '90 s', size: 'large' }
    expect(valuesWith(set)).toEqual(['b.csv', 2500, true, 90_000, 'large'])
  })

  it('take values, as code gives them', () => {
    expect(valuesWith({ limit: 5, strict: true, window: 1000 })).toEqual([
      'a.parquet',
      5,
      true,
      1000,
      'small',
    ])
  })

  it('are listed with type, default and value', () => {
    const { options } = copying((p) => void declared(p)).build({ set: { window: '30 min' } })
    expect(options[0]).toEqual({
      name: 'input',
      type: 'string',
      default: 'a.parquet',
      value: 'a.parquet',
      description: 'what to read',
      choices: undefined,
    })
    expect(options[3]).toMatchObject({ type: 'duration', default: '1h', value: '30m' })
    expect(options[4]).toMatchObject({ choices: ['small', 'large'] })
  })

  it('that do not exist are refused with the nearest name', () => {
    const { code, message } = errorOf(() => valuesWith({ inptu: 'x' }))
    expect(code).toBe('option/unknown')
    expect(message).toContain('did you mean "input"?')
  })

  it('are told wrong before anything else of the plan', () => {
    const silent = pipeline('silent', () => undefined)
    expect(errorOf(() => silent.build({ set: { x: 1 } })).code).toBe('option/unknown')
  })

  it.each([
    ['limit', 'many'],
    ['limit', ''],
    ['strict', 'maybe'],
    ['window', 'soon'],
    ['size', 'medium'],
  ])('refuse %s=%s', (name, value) => {
    expect(errorOf(() => valuesWith({ [name]: value })).code).toBe('option/invalid')
  })

  it('are declared once', () => {
    const twice = copying((p) => void [p.option('a', { default: 1 }), p.option('a', { default: 2 })])
    expect(errorOf(() => twice.build()).code).toBe('plan/invalid-name')
  })
})

describe('sinks that need something for themselves', () => {
  const toFolders = (...paths: readonly string[]): Pipeline =>
    pipeline('folders', (p) => {
      const rows = p.read('flights', flights)
      paths.forEach((path, at) => rows.write(`out-${at}`, ndjson(path)))
    })

  it('are refused when two of them write to one folder, however it is spelled', () => {
    for (const [one, two] of [
      ['out/a', 'out/a'],
      ['out/a', './out//a/'],
      ['out/a', 'out/b/../a'],
      ['/out/a', '/../out/./a'],
      ['../a', '../b/../a'],
    ] as const) {
      expect(errorOf(() => toFolders(one, two).build())).toMatchObject({
        code: 'plan/invalid-argument',
        step: 'out-1',
        message: expect.stringContaining('is written by step "out-0" already') as string,
      })
    }
  })

  it('are welcome in folders of their own, and beside others without such needs', () => {
    const folders = toFolders('out/a', 'out/b', '../out/a', 'out', '/out/a').build()
    expect(folders.plan.nodes).toHaveLength(6)
    const copies = pipeline('copies', (p) => {
      const rows = p.read('flights', flights)
      rows.write('one', plannedSink('out'))
      rows.write('two', plannedSink('out'))
    }).build()
    expect(copies.plan.nodes).toHaveLength(3)
  })
})
