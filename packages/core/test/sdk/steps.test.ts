// Steps lowered to the plan: the node of each, and the mistakes that are refused with the step's name.
import { describe, expect, it } from 'vitest'
import { globalWindow, isMillraceError, pipeline, schema, sql, state, t, tumbling } from '../../src/index.ts'
import type { Pipeline, RejectingStream, Stream } from '../../src/index.ts'
import { expressionToString } from '../../src/expr/index.ts'
import type { LogicalNode } from '../../src/plan/index.ts'
import { schemaToString } from '../../src/data/index.ts'
import { airports, flights, flightSchema, plannedSink, plannedSource } from './planned-ends.ts'
import type { Airport, Flight } from './planned-ends.ts'

type Flights = RejectingStream<Flight>
type Nodes = { readonly [step: string]: LogicalNode }

/** A pipeline over flights with event time that writes what `make` gives. */
function over(make: (source: Flights) => Stream<never> | void): Pipeline {
  return pipeline('test', (p) => {
    const source = p.read('flights', flights, { eventTime: { column: 'date', disorder: '5 s' } })
    make(source)?.write('out', plannedSink('out'))
  })
}

/** The nodes of such a pipeline by step. */
function nodesOf(make: (source: Flights) => unknown): Nodes {
  const { plan } = over(make as (source: Flights) => Stream<never>).build()
  return Object.fromEntries(plan.nodes.map((node) => [node.step, node]))
}

/** The one node of a kind. */
function node<Kind extends LogicalNode['kind']>(
  nodes: Nodes,
  step: string,
  kind: Kind,
): LogicalNode & { kind: Kind } {
  const found = nodes[step]
  expect(found?.kind).toBe(kind)
  return found as LogicalNode & { kind: Kind }
}

function outputsOf(nodes: Nodes, step: string): string[] | undefined {
  return node(nodes, step, 'transform').outputs?.map(
    ({ name, expression }) => `${name} = ${expressionToString(expression)}`,
  )
}

/** Code and step of the error, and its message. */
function refusal(make: (source: Flights) => unknown): {
  code: string
  step: string | undefined
  message: string
  cause: unknown
} {
  try {
    over(make as (source: Flights) => Stream<never>).build({ check: false })
  } catch (error) {
    if (!isMillraceError(error)) throw error
    return { code: error.code, step: error.step, message: error.message, cause: error.cause }
  }
  throw new Error('nothing was refused')
}

describe('reading', () => {
  it('describes event time and its disorder', () => {
    const source = node(
      nodesOf((f) => f),
      'flights',
      'source',
    )
    expect(source.eventTime).toEqual({
      column: 'date',
      watermark: { kind: 'bounded-disorder', disorderMs: 5000 },
      idleAfterMs: 0,
      onMissing: 'fail',
    })
    expect(source.pushdown).toEqual({ columns: undefined, predicate: undefined })
  })

  it('takes watermarks from a column or only at the end', () => {
    const { plan } = pipeline('p', (p) => {
      const punctuated = {
        column: 'date',
        watermark: { from: sql`case when cancelled then date end` },
      } as const
      p.read('a', flights, { eventTime: punctuated }).write('x', plannedSink('x'))
      p.read('b', flights, { eventTime: { column: 'date', watermark: 'at-end', idleAfter: '1 min' } }).write(
        'y',
        plannedSink('y'),
      )
    }).build()
    expect(plan.nodes[0]).toMatchObject({
      eventTime: { watermark: { kind: 'punctuated', expression: { kind: 'case' } } },
    })
    expect(plan.nodes[2]).toMatchObject({ eventTime: { watermark: { kind: 'at-end' }, idleAfterMs: 60_000 } })
  })

  it('takes read options from the dataset, and those of the call before them', () => {
    const dataset = { toSource: () => flights, eventTime: 'date', onError: 'reject' as const }
    const { plan } = pipeline('p', (p) => {
      p.read('a', dataset).write('x', plannedSink('x'))
      p.read('b', dataset, { onError: 'fail', eventTime: { column: 'date', disorder: 7 } }).write(
        'y',
        plannedSink('y'),
      )
    }).build()
    expect(plan.nodes[0]).toMatchObject({ onError: 'reject', eventTime: { column: 'date' } })
    expect(Object.keys(plan.nodes[0]?.sidePorts ?? {})).toEqual(['rejected'])
    expect(plan.nodes[2]).toMatchObject({
      onError: 'fail',
      eventTime: { watermark: { disorderMs: 7 } },
      sidePorts: {},
    })
  })

  it('gives rejected rows where they are asked for', () => {
    const { plan } = pipeline('p', (p) => {
      const source = p.read('a', flights, { onError: 'reject' })
      source.write('good', plannedSink('good'))
      source.rejected.write('bad', plannedSink('bad'))
    }).build()
    expect(plan.nodes[2]).toMatchObject({ step: 'bad', inputs: [{ step: 'a', port: 'rejected' }] })
    expect(schemaToString(plan.nodes[2]?.schema ?? flightSchema)).toBe(
      '(source: string, raw: string, reason: string, code: string, file: string?, line: int64?, byte: int64?)',
    )
  })

  it('refuses rejected rows of a step that fails on the first', () => {
    expect(refusal((f) => f.rejected)).toMatchObject({ code: 'plan/invalid-argument', step: 'flights' })
  })

  it.each([
    ['no source', {}],
    ['nothing', undefined],
    ['a sink', plannedSink('x')],
  ])('refuses %s', (_, dataset) => {
    const broken = pipeline('p', (p) => p.read('a', dataset as never).write('x', plannedSink('x')))
    expect(() => broken.build()).toThrow(/is not a source/)
  })

  it('refuses a source without a schema', () => {
    const broken = pipeline('p', (p) =>
      p.read('a', plannedSource('x', { fields: [] })).write('x', plannedSink('x')),
    )
    expect(() => broken.build()).toThrow(/the source has no schema/)
  })

  it('refuses event time of a type that has no time', () => {
    const broken = pipeline('p', (p) =>
      p.read('a', flights, { eventTime: 'origin' as 'date' }).write('x', plannedSink('x')),
    )
    expect(() => broken.build()).toThrow(/column "origin" cannot be event time/)
  })
})

describe('expressions', () => {
  it('filter by SQL, by typed columns, and through filter', () => {
    const nodes = nodesOf((f) =>
      f
        .where('late', sql`delay > ${15}`)
        .where('far', (c) => c.distance.gte(100))
        .filter('west', sql`origin in ('SEA', 'LAX')`),
    )
    const conditions = ['late', 'far', 'west'].map((step) => {
      const { predicate } = node(nodes, step, 'transform')
      return predicate === undefined ? '' : expressionToString(predicate)
    })
    expect(conditions).toEqual(['delay > 15', 'distance >= 100', "origin in ('SEA', 'LAX')"])
  })

  it('pick, compute, add, leave out and rename columns', () => {
    const nodes = nodesOf((f) =>
      f
        .select('picked', ['origin', 'delay', 'distance'])
        .extend('added', { hours: sql.number`delay / 60`, delay: (c) => c.delay.add(1) })
        .omit('fewer', 'distance')
        .rename('named', { origin: 'from' })
        .select('made', { from: 'from', sum: (c) => c.delay.add(c.hours) }),
    )
    expect(outputsOf(nodes, 'picked')).toEqual(['origin = origin', 'delay = delay', 'distance = distance'])
    expect(outputsOf(nodes, 'added')).toEqual([
      'origin = origin',
      'delay = delay + 1',
      'distance = distance',
      'hours = delay / 60',
    ])
    expect(outputsOf(nodes, 'fewer')).toEqual(['origin = origin', 'delay = delay', 'hours = hours'])
    expect(outputsOf(nodes, 'named')).toEqual(['from = origin', 'delay = delay', 'hours = hours'])
    expect(outputsOf(nodes, 'made')).toEqual(['from = "from"', 'sum = delay + hours'])
  })

  it('take nulls out of rows and out of types', () => {
    const nodes = nodesOf((f) => f.notNull('departed', 'delay', 'origin'))
    const step = node(nodes, 'departed', 'transform')
    expect(step.predicate === undefined ? '' : expressionToString(step.predicate)).toBe('delay is not null')
    expect(step.schema.fields.find(({ name }) => name === 'delay')?.nullable).toBe(false)
  })

  it('take nothing out where nothing can be null', () => {
    const step = node(
      nodesOf((f) => f.notNull('named', 'origin')),
      'named',
      'transform',
    )
    expect(step.predicate).toBeUndefined()
  })

  it.each<[string, string, (f: Flights) => unknown]>([
    ['an unknown column in SQL', 'plan/unknown-column', (f) => f.where('x', sql`dely > 15`)],
    ['an unknown column by name', 'plan/unknown-column', (f) => f.select('x', ['orign' as 'origin'])],
    ['an unknown column to leave out', 'plan/unknown-column', (f) => f.omit('x', 'orign' as 'origin')],
    ['an unknown column to rename', 'plan/unknown-column', (f) => f.rename('x', { orign: 'y' } as never)],
    ['bad SQL', 'expression/syntax', (f) => f.where('x', sql`delay >`)],
    ['a number as a condition', 'plan/type-mismatch', (f) => f.where('x', sql`delay + 1`)],
    ['types that do not fit', 'expression/type', (f) => f.where('x', sql`origin + 1 > 2`)],
    ['a promised type that does not hold', 'expression/type', (f) => f.select('x', { y: sql.string`delay` })],
    ['no expression', 'plan/invalid-argument', (f) => f.where('x', 5 as never)],
    ['a callback that gives none', 'plan/invalid-argument', (f) => f.where('x', (() => true) as never)],
    ['no column at all', 'plan/invalid-argument', (f) => f.select('x', [])],
    ['every column left out', 'plan/invalid-argument', (f) => f.select('y', ['origin']).omit('x', 'origin')],
    ['the same name twice', 'schema/invalid', (f) => f.rename('x', { origin: 'delay' })],
    ['nothing that must not be null', 'plan/invalid-argument', (f) => f.notNull('x')],
  ])('refuse %s', (_, code, make) => {
    expect(refusal(make)).toMatchObject({ code, step: 'x' })
  })

  it('name the nearest column', () => {
    expect(refusal((f) => f.select('x', ['orign' as 'origin'])).message).toContain('did you mean "origin"?')
  })
})

describe('functions over rows', () => {
  const hours = schema({ origin: t.string(), hours: t.float64() })

  it('are kept beside the plan under the name of their step', () => {
    const keep = (): boolean => true
    const built = over((f) => f.filter('kept', keep) as never).build()
    expect(built.bindings.functions.get('kept')).toBe(keep)
    expect(built.plan.nodes[1]).toMatchObject({
      kind: 'row-function',
      shape: 'filter',
      functionId: 'kept',
      onError: 'fail',
    })
    expect(JSON.stringify(built.plan)).not.toContain('=>')
  })

  it('map, add columns, and make several rows', () => {
    const nodes = nodesOf((f) =>
      f
        .map('hours', hours, (row) => ({ origin: row.origin, hours: row.distance / 500 }), {
          uses: ['origin', 'distance'],
        })
        .with('more', { days: t.float64() }, (row) => ({ days: row.hours / 24 }), { onError: 'reject' })
        .flatMap('ends', hours, (row) => [row]),
    )
    expect(nodes['hours']).toMatchObject({ shape: 'map', uses: ['origin', 'distance'] })
    const more = node(nodes, 'more', 'row-function')
    expect(more).toMatchObject({ shape: 'map', adds: ['days'], onError: 'reject' })
    expect(schemaToString(more.schema)).toBe('(origin: string, hours: float64, days: float64)')
    expect(Object.keys(more.sidePorts)).toEqual(['rejected'])
    expect(nodes['ends']).toMatchObject({ shape: 'flat-map' })
  })

  it.each<[string, string, (f: Flights) => unknown]>([
    ['no function', 'plan/invalid-argument', (f) => f.filter('x', undefined as never)],
    ['no schema', 'schema/invalid', (f) => f.map('x', undefined as never, () => ({}))],
    ['a schema that is none', 'schema/invalid', (f) => f.map('x', {} as never, () => ({}))],
    [
      'a type that is none',
      'schema/invalid',
      (f) => f.with('x', { y: 'float64' } as never, () => ({}) as never),
    ],
    [
      'a used column that is not there',
      'plan/unknown-column',
      (f) => f.filter('x', () => true, { uses: ['orign' as 'origin'] }),
    ],
  ])('refuse %s', (_, code, make) => {
    expect(refusal(make)).toMatchObject({ code, step: 'x' })
  })
})

describe('names of steps', () => {
  it('may stand once', () => {
    const { code, message, cause } = refusal((f) => f.where('x', sql`delay > 1`).where('x', sql`delay > 2`))
    expect(cause).toMatchObject({ message: 'step "x" was first made here' })
    expect((cause as Error).stack).toContain('steps.test.ts')
    expect(code).toBe('plan/duplicate-step')
    expect(message).toContain('step "x" exists already')
    expect(message).toContain('such as "x-2"')
  })

  it.each(['', 'a b', 'a/b', 'ü', '-x', 'constructor '])('may not be %j', (name) => {
    expect(refusal((f) => f.where(name, sql`delay > 1`)).code).toBe('plan/invalid-name')
  })

  it('may be those of built-in properties', () => {
    expect(Object.keys(nodesOf((f) => f.where('constructor', sql`delay > 1`)))).toContain('constructor')
  })
})

describe('unions', () => {
  it('can be null where one of the streams can', () => {
    const nodes = nodesOf((f) => {
      const [a, b] = [f.notNull('a', 'delay').omit('a2', 'date'), f.omit('b', 'date')]
      return b.union('both', a as never)
    })
    expect(node(nodes, 'both', 'union').schema.fields.find(({ name }) => name === 'delay')?.nullable).toBe(
      true,
    )
    expect(nodes['both']?.inputs.map(({ step }) => step)).toEqual(['b', 'a2'])
  })

  it('refuse other columns', () => {
    const { code, step, message } = refusal((f) =>
      f.omit('a', 'date').union('x', f.omit('b', 'delay') as never),
    )
    expect({ code, step }).toEqual({ code: 'plan/type-mismatch', step: 'x' })
    expect(message).toContain('delay: int32? stands against date: timestamp(ms)')
  })

  it('refuse what is no stream', () => {
    expect(refusal((f) => f.union('x', {} as never))).toMatchObject({
      code: 'plan/foreign-stream',
      step: 'x',
    })
  })

  it('have event time when all streams have', () => {
    const mixed = pipeline('p', (p) => {
      const timed = p.read('a', flights, { eventTime: 'date' })
      const untimed = p.read('b', flights)
      timed
        .union('both', untimed)
        .window(tumbling('1 h'))
        .aggregate('x', (a) => ({ n: a.count() }))
        .write('o', plannedSink('o'))
    })
    expect(() => mixed.build()).toThrow(/need event time, and the stream has none/)
  })
})

describe('keys', () => {
  it('are columns, or become columns first', () => {
    const nodes = nodesOf((f) => {
      const count = { build: (a: { count(): never }) => ({ n: a.count() }) }
      f.keyBy('one', 'origin')
        .window(globalWindow())
        .aggregate('a', count.build as never)
        .write('w', plannedSink('w'))
      f.keyBy('two', ['origin', 'destination'])
        .window(globalWindow())
        .aggregate('b', count.build as never)
        .write('v', plannedSink('v'))
      return f
        .keyBy('made', { hundreds: sql.number`distance / 100` })
        .window(globalWindow())
        .aggregate('c', count.build as never)
    })
    expect(node(nodes, 'one', 'key-by').keys).toEqual(['origin'])
    expect(node(nodes, 'two', 'key-by').keys).toEqual(['origin', 'destination'])
    expect(node(nodes, 'made', 'key-by').inputs).toEqual([{ step: 'made/keys', port: 'main' }])
    expect(outputsOf(nodes, 'made/keys')?.at(-1)).toBe('hundreds = distance / 100')
  })

  it.each<[string, string, (f: Flights) => unknown]>([
    ['a column that is not there', 'plan/unknown-column', (f) => f.keyBy('x', 'orign' as 'origin')],
    ['no column', 'plan/invalid-argument', (f) => f.keyBy('x', [])],
    ['a column twice', 'plan/invalid-argument', (f) => f.keyBy('x', ['origin', 'origin'])],
  ])('refuse %s', (_, code, make) => {
    expect(refusal(make)).toMatchObject({ code, step: 'x' })
  })

  it('refuse nested values', () => {
    const nested = plannedSource('nested', schema({ tags: t.list(t.string()) }))
    const broken = pipeline('p', (p) => void p.read('a', nested).keyBy('k', 'tags'))
    expect(() => broken.build()).toThrow(/column "tags" cannot be a key/)
  })
})

describe('windows that are missing', () => {
  it('are refused', () => {
    const make = (f: Flights): unknown =>
      f
        .keyBy('k', 'origin')
        .window(undefined as never)
        .aggregate('x', (a) => ({ n: a.count() }))
    expect(refusal(make)).toMatchObject({ code: 'plan/invalid-argument', step: 'x' })
  })
})

describe('process steps', () => {
  const out = schema({ origin: t.string(), n: t.int32() })
  const odd = schema({ reason: t.string() })

  it('declare state, side outputs and functions', () => {
    const definition = {
      state: { seen: state.value(t.int32()), by: state.map(t.string(), t.int64()) },
      output: out,
      sideOutputs: { odd },
      onRow: () => undefined,
    }
    const built = over((f) => {
      const made = f.keyBy('k', 'origin').process('x', definition)
      made.side('odd').write('odd', plannedSink('odd'))
      return made as never
    }).build()
    const step = built.plan.nodes.find((one) => one.step === 'x')
    expect(step).toMatchObject({
      kind: 'process',
      keys: ['origin'],
      state: [
        { name: 'seen', kind: 'value', type: { kind: 'int32' }, keyType: undefined },
        { name: 'by', kind: 'map', type: { kind: 'int64', rows: 'number' }, keyType: { kind: 'string' } },
      ],
    })
    expect(Object.keys(step?.sidePorts ?? {})).toEqual(['odd'])
    expect(built.bindings.functions.get('x')).toBe(definition)
    expect(built.plan.nodes.find((one) => one.step === 'odd')?.inputs).toEqual([{ step: 'x', port: 'odd' }])
  })

  it.each<[string, string, (f: Flights) => unknown]>([
    [
      'no function',
      'plan/invalid-argument',
      (f) => f.keyBy('k', 'origin').process('x', { output: out } as never),
    ],
    [
      'no definition',
      'plan/invalid-argument',
      (f) => f.keyBy('k', 'origin').process('x', undefined as never),
    ],
    [
      'no output',
      'schema/invalid',
      (f) => f.keyBy('k', 'origin').process('x', { onRow: () => undefined } as never),
    ],
    [
      'a side output named like one of the built-in ones',
      'plan/invalid-name',
      (f) =>
        f
          .keyBy('k', 'origin')
          .process('x', { output: out, sideOutputs: { late: odd }, onRow: () => undefined }),
    ],
    [
      'a side output that is not declared',
      'plan/invalid-argument',
      (f) =>
        f
          .keyBy('k', 'origin')
          .process('x', { output: out, sideOutputs: { odd }, onRow: () => undefined })
          .side('od' as 'odd'),
    ],
  ])('refuse %s', (_, code, make) => {
    expect(refusal(make)).toMatchObject({ code, step: 'x' })
  })

  it('refuse timers without event time', () => {
    const broken = pipeline('p', (p) => {
      const definition = { output: out, onRow: () => undefined, onTimer: () => undefined }
      p.read('a', flights).keyBy('k', 'origin').process('x', definition).write('o', plannedSink('o'))
    })
    expect(() => broken.build()).toThrow(/timers need event time/)
  })
})

describe('lookup joins', () => {
  const joining = (make: (source: Flights, airport: Stream<Airport>) => unknown) =>
    pipeline('p', (p) => {
      const made = make(p.read('flights', flights), p.read('airports', airports)) as Stream<never>
      made.write('out', plannedSink('out'))
    })

  it('make taken columns nullable where a row may have no partner', () => {
    const { plan } = joining((f, a) =>
      f
        .lookupJoin('from', a, { on: { origin: 'iata' }, select: { fromName: 'name' } })
        .lookupJoin('to', a, { on: { destination: 'iata' }, join: 'inner', select: { toName: 'name' } }),
    ).build()
    const join = plan.nodes.find(({ step }) => step === 'to')
    expect(join).toMatchObject({
      kind: 'lookup-join',
      join: 'inner',
      inputs: [{ step: 'from' }, { step: 'airports' }],
      on: [{ left: 'destination', right: 'iata' }],
      columns: [{ name: 'toName', column: 'name' }],
    })
    const nullable = Object.fromEntries(
      join?.schema.fields.map((field) => [field.name, field.nullable]) ?? [],
    )
    expect(nullable).toMatchObject({ fromName: true, toName: false })
  })

  it('refuse types that are never equal, and names that are taken', () => {
    const other = joining((f, a) => f.lookupJoin('x', a, { on: { distance: 'iata' } as never, select: {} }))
    expect(() => other.build()).toThrow(/columns "distance" and "iata" cannot be equal/)
    const taken = joining((f, a) =>
      f.lookupJoin('x', a, { on: { origin: 'iata' }, select: { delay: 'name' } }),
    )
    expect(() => taken.build()).toThrow(/the stream has a column "delay" already/)
  })

  it('refuse a table made from the same source as the stream', () => {
    const made = joining((f, a) => {
      a.write('airports-out', plannedSink('a'))
      return f.lookupJoin(
        'x',
        f.filter('some', () => true),
        { on: 'origin', select: {} },
      )
    })
    expect(() => made.build()).toThrow(/is the table of a lookup join and a stream as well/)
  })
})

describe('writing', () => {
  it('gives one stream to several sinks', () => {
    const nodes = nodesOf((f) => {
      f.write('first', plannedSink('a'))
      return f
    })
    expect([nodes['first']?.kind, nodes['out']?.kind]).toEqual(['sink', 'sink'])
  })

  it('lets the sink look at the columns', () => {
    const picky = {
      ...plannedSink('picky'),
      validate: (of: { fields: readonly { name: string }[] }) => {
        throw new TypeError(`no ${of.fields[0]?.name}`)
      },
    }
    expect(() => over((f) => f.write('x', picky)).build()).toThrow(/no date/)
  })

  it('refuses rows without the columns that the schema of a dataset declares', () => {
    const dataset = (of: typeof flightSchema): never =>
      ({ toSink: () => plannedSink('out'), schema: of }) as never
    const wider = schema({ date: t.timestamp(), stand: t.string() }) as never
    expect(refusal((f) => f.write('x', dataset(wider)))).toMatchObject({
      code: 'plan/type-mismatch',
      message: expect.stringContaining('the schema of the output has a column "stand"'),
    })
    const other = schema({ delay: t.string() }) as never
    expect(refusal((f) => f.write('x', dataset(other)))).toMatchObject({
      code: 'plan/type-mismatch',
      message: expect.stringContaining('column "delay" does not fit the schema of the output'),
    })
    // More columns, and numbers of another width, are read by the schema all the same.
    const narrower = schema({ delay: t.int64(), origin: t.string() }) as never
    expect(() => over((f) => f.write('x', dataset(narrower))).build()).not.toThrow()
  })

  it.each([
    ['nothing', undefined],
    ['a source', plannedSource('x', flightSchema)],
    ['text', 'out/folder'],
  ])('refuses %s', (_, target) => {
    expect(refusal((f) => f.write('x', target as never))).toMatchObject({
      code: 'plan/invalid-argument',
      step: 'x',
    })
  })

  it('refuses changes where the sink can only append', () => {
    const changing = (f: Flights): unknown =>
      f
        .keyBy('k', 'origin')
        .window(tumbling('1 h'), { allowedLateness: '5 min' })
        .aggregate('a', (a) => ({ n: a.count() }))
        .write('x', plannedSink('x'))
    expect(refusal(changing)).toMatchObject({ code: 'plan/unsupported', step: 'x' })
  })
})
