// Connections that break and a server that is killed, at every phase and at random moments: nothing is lost or repeated.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { batchOfRows, schema, t } from '../../core/src/data/index.ts'
import type { OpenSink, SinkNotice, SinkWriter } from '../../core/src/connect/index.ts'
import type { PostgresCommittable, PostgresOptions } from '../src/index.ts'
import { LossyProxy } from './lossy-proxy.ts'
import { pause, TestServer, whyNoServer } from './postgres-server.ts'
import { openTable, prepareBatch, prepareRows } from './trial-job.ts'

const Row = schema({ id: t.int32(), name: t.string() })
const SEED = Number(process.env['MILLRACE_SEED'] ?? 1)
let server: TestServer

beforeAll(async () => {
  if (whyNoServer === undefined) server = await TestServer.start()
}, 60_000)
afterAll(async () => {
  if (whyNoServer === undefined) await server.stop()
})

const optionsOf = (table: string): PostgresOptions => ({
  table,
  mode: 'append',
  environment: server.environment,
})
const rowsOf = (from: number, count: number, name = 'row'): { id: number; name: string }[] =>
  Array.from({ length: count }, (_, n) => ({ id: from + n, name }))

/** Commits as the runtime does: again, after a wait, until nothing is left to retry. */
async function deliver(
  run: OpenSink<PostgresCommittable>,
  committables: readonly PostgresCommittable[],
): Promise<string[]> {
  for (let tries = 0; tries < 200; tries++) {
    const kinds = (await run.commit(committables)).map(({ kind }) => kind)
    if (!kinds.includes('retry')) return kinds
    await pause(20)
  }
  throw new Error('the commit was never done')
}

/** Waits for something that comes for sure, and says so when it does not. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const began = performance.now()
  while (!(await isSo())) {
    if (performance.now() - began > 60_000) throw new Error(`it did not come: ${isSo.toString()}`)
    await pause(2)
  }
}

/** Ends all connections but the test's own. */
async function cut(): Promise<void> {
  await server.disconnectAll()
}

describe.skipIf(whyNoServer !== undefined)('a connection that breaks', () => {
  it('costs nothing while the rows of an epoch are still in memory', async () => {
    await server.ask('CREATE TABLE gathered (id int4, name text)')
    const run = await openTable(optionsOf('gathered'), Row, { resumable: true })
    const writer = await run.writer(0)
    await writer.write(batchOfRows(Row, rowsOf(0, 10)))
    await cut()
    const committable = await prepareRows(writer, Row, { rows: rowsOf(10, 10) })
    await cut()
    expect(await deliver(run, [committable])).toEqual(['committed'])
    await cut()
    expect(await deliver(run, [committable])).toEqual(['already-committed'])
    expect(await server.ask('SELECT count(*)::int4 AS rows FROM gathered')).toEqual([{ rows: 20 }])
    await writer.close()
    await run.finish()
    await run.close()
  })

  it('is told of, with the table and the reason, until the rows are there', async () => {
    await server.ask('CREATE TABLE told (id int4, name text)')
    const told = new Set<SinkNotice>()
    const waiting = (notice: SinkNotice): (() => void) => {
      told.add(notice)
      return () => void told.delete(notice)
    }
    const run = await openTable(optionsOf('told'), Row, { resumable: true, waiting })
    const writer = await run.writer(0)
    await writer.write(batchOfRows(Row, rowsOf(0, 10)))
    expect(told.size).toBe(0)
    // What serves a connection outlives the server that is killed for a moment.
    await cut()
    await server.kill()
    const prepared = prepareRows(writer, Row, { rows: rowsOf(10, 10) })
    const reasons = (): string[] => [...told].map(({ reason }) => reason())
    await until(async () =>
      reasons().some((reason) => /^connecting to .* failed: connect ECONNREFUSED/.test(reason)),
    )
    expect([...told].map(({ target }) => target)).toEqual(['table "public"."told"'])
    await server.run()
    expect(await deliver(run, [await prepared])).toEqual(['committed'])
    expect(told.size).toBe(0)
    expect(await server.ask('SELECT count(*)::int4 AS rows FROM told')).toEqual([{ rows: 20 }])
    await writer.close()
    await run.close()
  })

  it('costs nothing while rows are sent, as long as they are kept', async () => {
    await server.ask('CREATE TABLE sent (id int4, name text)')
    const run = await openTable(optionsOf('sent'), Row)
    const writer = await run.writer(0)
    for (let n = 0; n < 4; n++) {
      await writer.write(batchOfRows(Row, rowsOf(n * 100, 100, 'x'.repeat(8000))))
      await pause(20)
      await cut()
    }
    const committable = await prepareRows(writer, Row, { rows: rowsOf(400, 1) })
    expect(await deliver(run, [committable])).toEqual(['committed'])
    expect(await server.ask('SELECT count(*)::int4 AS rows, sum(id)::int4 AS sum FROM sent')).toEqual([
      { rows: 401, sum: 80_200 },
    ])
    await writer.close()
    await run.close()
  })

  it('fails an epoch too large to be kept in a way that a restart mends', async () => {
    await server.ask('CREATE TABLE large (id int4, name text)')
    const run = await openTable(optionsOf('large'), Row, { lineage: 'large', resumable: true })
    const writer = await run.writer(0)
    const batch = batchOfRows(Row, rowsOf(0, 200, 'x'.repeat(8000)))
    for (let n = 0; n < 10; n++) await writer.write(batch)
    // Sent beyond what is kept, for sure.
    await until(async () => (await server.ask(`SELECT 1 FROM pg_stat_progress_copy WHERE tuples_processed > 1200`)).length > 0) // prettier-ignore
    await cut()
    await expect(prepareBatch(writer, batch)).rejects.toMatchObject({ code: 'output/write-failed' })
    await writer.close()
    const next = await openTable(optionsOf('large'), Row, { lineage: 'large', resumable: true, attempt: 2 })
    await next.sweep([])
    const again = await next.writer(0)
    expect(await deliver(next, [await prepareRows(again, Row, { rows: rowsOf(0, 3) })])).toEqual([
      'committed',
    ])
    expect(await server.ask('SELECT count(*)::int4 AS rows FROM large')).toEqual([{ rows: 3 }])
    await again.close()
    await run.close()
    await next.close()
  })

  it('stages nothing twice when the answer to a copy was lost, and commits nothing twice', async () => {
    await server.ask('CREATE TABLE answered (id int4, name text)')
    const proxy = await LossyProxy.start(server.port)
    const url = server.url.replace(`:${server.port}/`, `:${proxy.port}/`)
    const options = { ...optionsOf('answered'), environment: { DATABASE_URL: url } }
    const run = await openTable(options, Row)
    const writer = await run.writer(0)
    const loseOne = async (text: string): Promise<void> => {
      proxy.loses = text
      await until(async () => proxy.lost > 0)
      proxy.loses = undefined
      proxy.lost = 0
    }
    // The server has the rows, and the writer does not know.
    const [committable] = await Promise.all([
      prepareRows(writer, Row, { rows: rowsOf(0, 5) }),
      loseOne('COPY 5'),
    ])
    expect(await server.ask(`SELECT count(*)::int4 AS rows FROM "${committable.stage}"`)).toEqual([
      { rows: 5 },
    ])
    // They are shown, and the sink does not know.
    const [outcomes] = await Promise.all([run.commit([committable]), loseOne('COMMIT')])
    expect(outcomes).toMatchObject([{ kind: 'retry' }])
    expect(await deliver(run, [committable])).toEqual(['already-committed'])
    expect(await server.ask('SELECT count(*)::int4 AS rows FROM answered')).toEqual([{ rows: 5 }])
    await writer.close()
    await run.close()
    await proxy.stop()
  })
})

describe.skipIf(whyNoServer !== undefined)('a server that is killed', () => {
  it.each([SEED, SEED + 1, SEED + 2])(
    'at random moments, with attempts that die at random moments, loses and repeats nothing: seed %i',
    async (seed) => {
      const table = `killed_${seed}`
      await server.ask(`CREATE TABLE ${table} (id int4, name text)`)
      const job = new DyingJob(table, seed)
      const ended = job.run(600)
      // One that fails is not killed for ever.
      ended.catch(() => (job.isDone = true))
      let killed = 0
      while (!job.isDone) {
        // Behind some more epochs, whatever time they take; or it is down, and waits.
        const epoch = job.epoch + job.draw(6)
        await until(async () => job.isDone || job.epoch > epoch)
        if (job.isDone) break
        await server.kill()
        killed++
        await pause(job.draw(80))
        await server.run()
      }
      await ended
      expect(killed).toBeGreaterThan(0)
      expect(
        await server.ask(`SELECT count(*)::int4 AS rows, count(DISTINCT id)::int4 AS ids FROM ${table}`),
      ).toEqual([{ rows: 600, ids: 600 }])
    },
    120_000,
  )
})

/** A job whose attempts die now and then, with a log in memory. */
class DyingJob {
  isDone = false
  /** Epochs that stand. */
  get epoch(): number {
    return this.#epoch
  }

  readonly #table: string
  #state: number
  #attempt = 0
  #epoch = 0
  #cut = 0
  #owed: readonly PostgresCommittable[] = []

  constructor(table: string, seed: number) {
    this.#table = table
    this.#state = Math.imul(seed, 2_654_435_761) | 1
  }

  draw(below: number): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return (this.#state >>> 0) % below
  }

  async run(rows: number): Promise<void> {
    while (this.#cut < rows || this.#owed.length > 0) {
      try {
        await this.#runAttempt(rows)
      } catch (error) {
        // A failure that a restart mends; all others end the test.
        if ((error as { retry?: string }).retry !== 'retry' && !(error instanceof Died)) throw error
        await pause(20)
      }
    }
    this.isDone = true
  }

  async #runAttempt(rows: number): Promise<void> {
    const context = {
      lineage: this.#table,
      attempt: ++this.#attempt,
      resumable: true,
      resumed: this.#epoch > 0,
    }
    const run = await openTable(optionsOf(this.#table), Row, context)
    const writers: SinkWriter<PostgresCommittable>[] = []
    try {
      await run.sweep(this.#owed)
      await this.#deliver(run)
      for (let task = 0; task < 2; task++) writers.push(await run.writer(task))
      while (this.#cut < rows) await this.#runEpoch(run, writers, rows)
    } finally {
      if (this.draw(2) === 0) {
        for (const writer of writers) await writer.close()
        await run.close()
      }
    }
  }

  async #runEpoch(
    run: OpenSink<PostgresCommittable>,
    writers: readonly SinkWriter<PostgresCommittable>[],
    rows: number,
  ): Promise<void> {
    let at = this.#cut
    for (const writer of writers) {
      const count = Math.min(1 + this.draw(20), rows - at)
      await writer.write(batchOfRows(Row, rowsOf(at, count)))
      at += count
    }
    const epoch = this.#epoch + 1
    for (const writer of writers) writer.seal(epoch, { final: false })
    const answers = await Promise.all(writers.map((writer) => writer.prepare(epoch)))
    this.#mayDie()
    // The manifest.
    this.#epoch = epoch
    this.#cut = at
    this.#owed = answers.flatMap((answer) => (answer === undefined ? [] : [answer]))
    this.#mayDie()
    await this.#deliver(run)
  }

  async #deliver(run: OpenSink<PostgresCommittable>): Promise<void> {
    const kinds = this.#owed.length === 0 ? [] : await deliver(run, this.#owed)
    if (kinds.includes('lost')) throw new Error(`rows of epoch ${this.#epoch} are lost`)
    this.#mayDie()
    this.#owed = []
  }

  #mayDie(): void {
    if (this.draw(12) === 0) throw new Died()
  }
}

class Died extends Error {}
