// Sources without a declared schema: building refuses them, and building on a host looks at the input first.
import { describe, expect, it } from 'vitest'
import { pipeline, sql } from '../../src/index.ts'
import type { Pipeline } from '../../src/index.ts'
import type { Source } from '../../src/plan/index.ts'
import { airports, flights, flightSchema, plannedSink } from './planned-ends.ts'

const host = {} as Parameters<Pipeline['buildOn']>[0]

/** A source that knows its columns once it was asked to look. */
function undeclared(found: () => Source): Source<{ readonly [column: string]: unknown }> & { looks: number } {
  const source = {
    ...flights,
    schema: { fields: [] },
    looks: 0,
    resolveSchema: async () => {
      source.looks++
      return found()
    },
  }
  return source
}

describe('a source without a schema', () => {
  const late = (source: Source<{ readonly [column: string]: unknown }>, column = 'delay'): Pipeline =>
    pipeline('late', (p) => {
      p.read('flights', source, { eventTime: 'date' })
        .where('late', sql`${sql`delay`} > 15`)
        .select('short', ['origin', column])
        .write('out', plannedSink('out'))
    })

  it('cannot be built, since building looks at nothing', () => {
    expect(() => late(undeclared(() => flights)).build()).toThrow(
      expect.objectContaining({ code: 'schema/invalid', step: 'flights' }),
    )
  })

  it('is looked at once, and built with what was found', async () => {
    const source = undeclared(() => flights)
    const built = await late(source).buildOn(host)
    expect(source.looks).toBe(1)
    expect(built.bindings.sources.get('flights')).toBe(flights)
    expect(built.plan.nodes.at(-1)?.schema.fields.map(({ name }) => name)).toEqual(['origin', 'delay'])
    expect(built.inferred).toEqual([{ step: 'flights', schema: flightSchema }])
  })

  it('may stand beside others', async () => {
    const both = pipeline('both', (p) => {
      for (const [name, source] of [
        ['a', undeclared(() => flights)],
        ['b', undeclared(() => airports)],
      ] as const) {
        p.read(name, source).write(`${name}-out`, plannedSink(name))
      }
    })
    const { inferred } = await both.buildOn(host)
    expect(inferred.map(({ step }) => step)).toEqual(['a', 'b'])
  })

  it('has its columns checked once they are known', async () => {
    const build = late(
      undeclared(() => flights),
      'dely',
    ).buildOn(host)
    await expect(build).rejects.toMatchObject({ code: 'plan/unknown-column', step: 'short' })
  })

  it('names the step when looking fails or finds nothing', async () => {
    const broken = undeclared(() => {
      throw new TypeError('no such file')
    })
    await expect(late(broken).buildOn(host)).rejects.toThrow('no such file')
    const empty = undeclared(() => ({ ...flights, schema: { fields: [] } }))
    await expect(late(empty).buildOn(host)).rejects.toMatchObject({
      code: 'schema/not-inferable',
      step: 'flights',
    })
  })
})
