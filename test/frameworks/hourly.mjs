// A pipeline and a test of it, as a user writes them; the same in every test framework, with what the framework expects.
import { pipeline, schema, t, tumbling } from 'millrace'
import { csv } from 'millrace/files'
import { drive } from 'millrace/testing'

const Flight = schema({ origin: t.string(), at: t.timestamp('ms') })

const hourly = pipeline('hourly-flights', (p) => {
  p.read('flights', csv('data/*.csv', { schema: Flight, eventTime: 'at' }))
    .keyBy('by-origin', 'origin')
    .window(tumbling('1 hour'))
    .aggregate('hourly', (a) => ({ flights: a.count() }))
    .write('out', csv('out/hourly'))
})

/** Drives the pipeline through a crash; gives what it put out, as text. */
export async function hourlyTable() {
  const test = await drive(hourly, { parallelism: 2, partitions: 2 })
  const flights = test.source('flights', Flight)
  flights.partition(0).send({ origin: 'AMS', at: '2024-01-01T10:20Z' })
  flights.partition(1).send({ origin: 'ALB', at: '2024-01-01T10:30Z' })
  await test.epoch()
  flights.partition(0).send({ origin: 'AMS', at: '2024-01-01T10:50Z' })
  await test.settle()
  await test.crash({ power: true })
  await test.advanceClock('1 minute')
  flights.watermark('2024-01-01T11:00Z')
  await test.crash({ during: 'commit' })
  await test.finish()
  return test.sink('out').table({ sort: true })
}

/** The code of the error that a test gets which names a source wrongly. */
export async function codeOfWrongName() {
  const test = await drive(hourly)
  try {
    test.source('flight')
  } catch (error) {
    return /** @type {{ code?: unknown }} */ (error).code
  }
  return undefined
}

export const expectedTable = [
  'origin  windowStart       windowEnd         flights',
  '──────  ────────────────  ────────────────  ───────',
  'ALB     2024-01-01T10:00  2024-01-01T11:00        1',
  'AMS     2024-01-01T10:00  2024-01-01T11:00        2',
].join('\n')
