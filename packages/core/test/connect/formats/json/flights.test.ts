// flights-200k.json of vega-datasets: a JSON array of ten megabytes, read as JSON.parse reads it, and as it is inferred.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { json } from '../../../../src/connect/files/index.ts'
import { memorySink } from '../../../../src/connect/index.ts'
import { createNodeHost } from '../../../../src/host/node/index.ts'
import { pipeline, schema, sql, t } from '../../../../src/index.ts'
import { Job } from '../../../../src/runtime/index.ts'

const path = fileURLToPath(
  new URL('../../../../../../node_modules/vega-datasets/data/flights-200k.json', import.meta.url),
)
const Flight = schema({ delay: t.int32(), distance: t.int32(), time: t.float64() })

async function rowsOf(build: Parameters<typeof pipeline>[1]): Promise<void> {
  const host = createNodeHost()
  await new Job(await pipeline('flights', build).buildOn(host), { host }).run()
}

describe('two hundred thousand flights in one JSON array', () => {
  const flights = JSON.parse(readFileSync(path, 'utf8')) as {
    delay: number
    distance: number
    time: number
  }[]

  it('are the rows that JSON.parse gives', { timeout: 60_000 }, async () => {
    const sink = memorySink<(typeof flights)[number]>()
    await rowsOf((p) => {
      p.read('flights', json(path, { schema: Flight })).write('out', sink)
    })
    expect(sink.rows.length).toBe(flights.length)
    expect(sink.rows.findIndex((row, at) => {
      const flight = flights[at]
      return row.delay !== flight?.delay || row.distance !== flight.distance || row.time !== flight.time
    })).toBe(-1) // prettier-ignore
  })

  it('have the same late ones with the schema that is found', { timeout: 60_000 }, async () => {
    const sink = memorySink<{ readonly delay: number }>()
    await rowsOf((p) => {
      p.read('flights', json(path))
        .where('late', sql`delay > 15`)
        .write('out', sink as never)
    })
    const late = flights.filter(({ delay }) => delay > 15)
    expect(late.length).toBeGreaterThan(10_000)
    expect(sink.rows.map(({ delay }) => delay)).toEqual(late.map(({ delay }) => delay))
  })
})
