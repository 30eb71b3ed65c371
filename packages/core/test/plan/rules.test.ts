// Each rewrite rule by itself: what it changes, and where it must keep its hands off.
import { describe, expect, it } from 'vitest'
import { globalWindow, pipeline, schema, sql, t, tumbling } from '../../src/index.ts'
import type { RejectingStream, Stream } from '../../src/index.ts'
import { catalogue, expressionToString } from '../../src/expr/index.ts'
import { csv, files, ndjson, parquet } from '../../src/connect/files/index.ts'
import { explain, explanationToText, optimize } from '../../src/plan/index.ts'
import type { LogicalNode, Source } from '../../src/plan/index.ts'
import { canFail, totalFunctions } from '../../src/plan/rules/expressions.ts'
import { airports, flights, plannedSink } from '../sdk/planned-ends.ts'
import type { Airport, Flight } from '../sdk/planned-ends.ts'

type Flights = RejectingStream<Flight>
type Airports = Stream<Airport>

/** The rewritten plan of what `make` gives, a line per step. */
function rewritten(make: (source: Flights, table: () => Airports) => unknown): string[] {
  const built = pipeline('test', (p) => {
    const made = make(p.read('flights', flights, { eventTime: 'date' }), () => p.read('airports', airports))
    ;(made as Stream<never>).write('out', plannedSink('out'))
  }).build()
  return optimize(built).plan.nodes.map(lineOf)
}

function lineOf(node: LogicalNode): string {
  const from = node.inputs.map(({ step, port }) => (port === 'main' ? step : `${step}.${port}`)).join(', ')
  const head = `${node.step} <- ${from === '' ? '()' : from}`
  const names = node.schema.fields.map(({ name }) => name).join(' ')
  if (node.kind === 'source') {
    const { columns, predicate } = node.pushdown
    return `${node.step}: reads ${columns?.join(' ') ?? 'all'}${predicate === undefined ? '' : ` if ${expressionToString(predicate)}`}, gives ${names}`
  }
  if (node.kind !== 'transform') return `${head}: ${node.kind}`
  const where = node.predicate === undefined ? '' : ` where ${expressionToString(node.predicate)}`
  const outputs = node.outputs?.map(({ name, expression }) =>
    expression.kind === 'column' && expression.name === name
      ? name
      : `${name}=${expressionToString(expression)}`,
  )
  return `${head}:${where} ${outputs?.join(' ') ?? '*'}`
}

describe('merging transforms', () => {
  it('puts the first expressions into the second', () => {
    const lines = rewritten((f) =>
      f
        .where('known', sql`distance > 0`)
        .select('half', { origin: 'origin', half: sql.number`distance / 2` })
        .where('far', sql`half > 100`)
        .select('names', ['origin']),
    )
    // `half` is used once by the condition, and not at all behind it.
    expect(lines).toEqual([
      'flights: reads date distance origin if distance > 0 and distance / 2 > 100, gives distance origin',
      'names <- flights: where distance > 0 and distance / 2 > 100 origin',
      'out <- names: sink',
    ])
  })

  it('computes nothing twice', () => {
    const lines = rewritten((f) =>
      f
        .extend('more', { hours: sql.number`distance / 500` })
        .select('both', { hours: 'hours', twice: sql.number`hours * 2` }),
    )
    expect(lines.slice(1, 3)).toEqual([
      'more <- flights: hours=distance / 500',
      'both <- more: hours twice=hours * 2',
    ])
  })

  it('keeps a condition that can fail behind one that may be null', () => {
    const lines = rewritten((f) =>
      f
        .where('known', sql`delay > 0`)
        .where('fast', sql`distance / delay > 5`)
        .select('x', ['origin']),
    )
    expect(lines.slice(1, 3)).toEqual([
      'known <- flights: where delay > 0 *',
      'x <- known: where distance / delay > 5 origin',
    ])
  })

  it('leaves a step that two others read', () => {
    const lines = rewritten((f) => {
      const far = f.where('far', sql`distance > 0`)
      far.where('late', sql`delay > 15`).write('late-out', plannedSink('late'))
      return far.where('early', sql`delay < 0`)
    })
    expect(lines.map((line) => line.split(':')[0])).toEqual([
      'flights',
      'far <- flights',
      'late <- far',
      'late-out <- late',
      'early <- far',
      'out <- early',
    ])
  })
})

describe('dropping identities', () => {
  it('takes out steps that change nothing', () => {
    const lines = rewritten((f) =>
      f.select('same', ['date', 'delay', 'distance', 'origin', 'destination', 'cancelled']),
    )
    expect(lines).toEqual([expect.stringContaining('flights: reads all'), 'out <- flights: sink'])
  })

  it('keeps another order of columns, and a column that is never null from here on', () => {
    expect(rewritten((f) => f.select('turned', ['delay', 'date'])).at(1)).toBe(
      'turned <- flights: delay date',
    )
    expect(rewritten((f) => f.notNull('known', 'delay')).at(1)).toContain('where delay is not null')
  })
})

describe('moving transforms towards sources', () => {
  it('filters and narrows in front of the exchange', () => {
    const lines = rewritten((f) =>
      f
        .keyBy('k', 'origin')
        .window(tumbling('1 h'))
        .aggregate('x', (a) => ({ share: a.mean(sql`delay > 15`), n: a.count() })),
    )
    expect(lines).toEqual([
      'flights: reads date delay origin, gives delay origin',
      expect.stringMatching(/^x\/input <- flights: origin share~input=case when delay > 15/),
      'k <- x/input: key-by',
      'x <- k: window-aggregate',
      'out <- x: sink',
    ])
  })

  it('filters each branch of a union', () => {
    const lines = rewritten((f) =>
      f
        .filter('a', () => true)
        .union(
          'both',
          f.filter('b', () => false),
        )
        .where('late', sql`delay > 15`),
    )
    expect(lines.slice(3)).toEqual([
      'late/1 <- a: where delay > 15 *',
      'late/2 <- b: where delay > 15 *',
      'both <- late/1, late/2: union',
      'out <- both: sink',
    ])
  })

  it('filters the stream before it is joined, where the condition is about the stream alone', () => {
    const lines = rewritten((f, table) =>
      f
        .lookupJoin('names', table(), { on: { origin: 'iata' }, select: { name: 'name' } })
        .where('both', sql`delay > 15 and name is not null`),
    )
    expect(lines).toEqual([
      'flights: reads all if delay > 15, gives date delay distance origin destination cancelled',
      'airports: reads iata name, gives iata name',
      'both/early <- flights: where delay > 15 *',
      'names <- both/early, airports: lookup-join',
      'both <- names: where name is not null *',
      'out <- both: sink',
    ])
  })

  it('keeps the name of a filter that moves as a whole', () => {
    const lines = rewritten((f, table) =>
      f
        .lookupJoin('names', table(), { on: { origin: 'iata' }, select: { name: 'name' } })
        .where('late', sql`delay > 15`),
    )
    expect(lines.slice(1)).toEqual([
      'airports: reads iata name, gives iata name',
      'late <- flights: where delay > 15 *',
      'names <- late, airports: lookup-join',
      'out <- names: sink',
    ])
  })

  it('moves nothing past a user function', () => {
    const lines = rewritten((f) =>
      f.filter('own', () => true, { uses: ['origin'] }).where('late', sql`delay > 15`),
    )
    expect(lines.slice(1, 3)).toEqual(['own <- flights: row-function', 'late <- own: where delay > 15 *'])
  })
})

describe('narrowing columns', () => {
  it('reads the column of event time and does not keep it', () => {
    expect(rewritten((f) => f.select('x', ['origin']))[0]).toBe('flights: reads date origin, gives origin')
  })

  it('reads everything for a function that does not say what it uses', () => {
    expect(rewritten((f) => f.filter('own', () => true).select('x', ['origin']))[0]).toContain('reads all')
    expect(
      rewritten((f) => f.filter('own', () => true, { uses: ['delay'] }).select('x', ['origin']))[0],
    ).toBe('flights: reads date delay origin, gives delay origin')
  })

  it('reads everything for rejected rows, which are written down whole', () => {
    const lines = rewritten((f) => {
      const own = f.filter('own', () => true, { uses: ['delay'], onError: 'reject' })
      own.rejected.write('bad', plannedSink('bad'))
      return own.select('x', ['origin'])
    })
    expect(lines[0]).toContain('reads all')
  })

  it('reads what columns added by a function need', () => {
    const lines = rewritten((f) =>
      f
        .with('more', { hours: t.float64() }, (row) => ({ hours: row.distance / 500 }), {
          uses: ['distance'],
        })
        .select('x', ['origin', 'hours']),
    )
    expect(lines[0]).toBe('flights: reads date distance origin, gives distance origin')
  })

  it('sends only what is needed over an exchange, whatever a function made', () => {
    const made = schema({ origin: t.string(), a: t.int32(), b: t.int32() })
    const lines = rewritten((f) =>
      f
        .map('made', made, (row) => ({ origin: row.origin, a: 1, b: 2 }))
        .keyBy('k', 'origin')
        .window(globalWindow())
        .aggregate('x', (a) => ({ n: a.sum('a') })),
    )
    expect(lines.slice(1, 4)).toEqual([
      'made <- flights: row-function',
      'k/columns <- made: origin a',
      'k <- k/columns: key-by',
    ])
  })

  it('gives the branches of a union the same columns', () => {
    const short = schema({ origin: t.string(), delay: t.int32().nullable() })
    const lines = rewritten((f) =>
      f
        .select('own', ['origin', 'delay'])
        .union(
          'both',
          f.map('made', short, (row) => row),
        )
        .select('x', ['origin']),
    )
    expect(lines).toEqual([
      'flights: reads all, gives date delay distance origin destination cancelled',
      'own <- flights: origin',
      'made <- flights: row-function',
      'both/columns-2 <- made: origin',
      'both <- own, both/columns-2: union',
      'out <- both: sink',
    ])
  })

  it('takes only needed columns from a table', () => {
    const lines = rewritten((f, table) =>
      f
        .lookupJoin('names', table(), { on: { origin: 'iata' }, select: { name: 'name', city: 'city' } })
        .select('x', ['delay', 'name']),
    )
    expect(lines[1]).toBe('airports: reads iata name, gives iata name')
  })

  it('reads one column where rows are only counted', () => {
    const lines = rewritten((f) => f.window(globalWindow()).aggregate('x', (a) => ({ n: a.count() })))
    expect(lines[0]).toBe('flights: reads date cancelled, gives cancelled')
  })

  it('keeps what late rows need', () => {
    const lines = rewritten((f) => {
      const made = f
        .keyBy('k', 'origin')
        .window(tumbling('1 h'))
        .aggregate('x', (a) => ({ n: a.count() }))
      made.late.select('late-x', ['destination']).write('late-out', plannedSink('late'))
      return made
    })
    expect(lines[0]).toBe('flights: reads date origin destination, gives origin destination')
  })
})

describe('telling sources the condition', () => {
  it('joins the conditions of several readers by or', () => {
    const lines = rewritten((f) => {
      f.where('late', sql`delay > 15`).write('late-out', plannedSink('late'))
      return f.where('far', sql`distance > 1000`)
    })
    expect(lines[0]).toContain('if delay > 15 or distance > 1000')
  })

  it('tells nothing when one reader wants all rows', () => {
    const lines = rewritten((f) => {
      f.write('all', plannedSink('all'))
      return f.where('far', sql`distance > 1000`)
    })
    expect(lines[0]).not.toContain(' if ')
  })
})

describe('explaining', () => {
  it('says what may be skipped of sources that can skip by the condition, and nothing of others', () => {
    const read = (source: Source<Flight>): string =>
      explanationToText(
        explain(
          pipeline('test', (p) => {
            p.read('flights', source)
              .where('far', sql`distance > 1000 and destination like 'S%'`)
              .write('out', plannedSink('out'))
          }).build(),
        ),
      )
    expect(read(flights)).toMatch(/may skip +parts that hold no row where distance > 1000/)
    expect(read({ ...flights, skipsBy: () => undefined })).not.toContain('may skip')
    const options = { schema: flights.schema }
    const [ndjsonFiles, csvFiles] = [ndjson('in', options), csv('in', options)]
    for (const dataset of [ndjsonFiles, csvFiles, files('in/*.csv', options)])
      expect(read(dataset.toSource())).not.toContain('may skip')
    for (const dataset of [parquet('in', options), files('in', options)]) {
      const text = read(dataset.toSource())
      // Only the part that statistics can decide.
      expect(text).toMatch(/may skip +parts that hold no row where distance > 1000\n/)
    }
  })
})

describe('functions that cannot fail', () => {
  it('are functions of the catalogue', () => {
    expect([...totalFunctions].filter((name) => !catalogue.has(name))).toEqual([])
  })

  it('make an expression that cannot fail, and any other makes one that can', () => {
    const int = { type: { kind: 'int32' }, nullable: false } as const
    const column = { kind: 'column', name: 'a', ...int } as const
    const less = {
      kind: 'call',
      name: '<',
      type: { kind: 'boolean' },
      nullable: false,
      arguments: [column, column],
    } as const
    const sum = { kind: 'call', name: '+', ...int, arguments: [column, column] } as const
    expect(canFail(less)).toBe(false)
    expect(canFail({ ...less, arguments: [column, sum] })).toBe(true)
  })
})
