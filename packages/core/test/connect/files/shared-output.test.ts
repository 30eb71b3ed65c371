import { describe, expect, test } from 'vitest'
import { batchOfRows } from '../../../src/data/batch-builder.ts'
import { schema, t } from '../../../src/data/builder.ts'
import type { Json } from '../../../src/data/type.ts'
import { isMillraceError } from '../../../src/errors.ts'
import { ndjson } from '../../../src/connect/files/index.ts'
import type { OpenSink, OutputMode, SinkContext, SinkWriter } from '../../../src/connect/sink.ts'
import { createManualHost, prepareEpoch } from '../../../src/testing/index.ts'
import type { ManualHost } from '../../../src/testing/index.ts'
import { readSource } from './file-fixtures.ts'

const Row = schema({ n: t.int32() })
const output = ndjson<{ readonly n: number }>('out', { schema: Row, roll: 'epoch' })
const MODES: readonly OutputMode[] = ['refuse', 'overwrite', 'append']
const DAY_MS = 24 * 60 * 60 * 1000

let lineages = 0
/** The lineage of a run that no run was before. */
const newLineage = (): string => (++lineages).toString(16).padStart(16, '0')

/** A run of one task. */
class Run {
  readonly sink: OpenSink
  readonly writer: SinkWriter
  #epoch = 0

  private constructor(sink: OpenSink, writer: SinkWriter) {
    this.sink = sink
    this.writer = writer
  }

  static async begin(
    host: ManualHost,
    outputMode: OutputMode,
    context: Partial<SinkContext> = {},
  ): Promise<Run> {
    const sink = await output.toSink().open({
      host, schema: Row, step: 'write', lineage: newLineage(), attempt: 1, bounded: true, outputMode, ...context,
    }) // prettier-ignore
    await sink.sweep([])
    return new Run(sink, await sink.writer(0))
  }

  async write(...numbers: readonly number[]): Promise<void> {
    await this.writer.write(
      batchOfRows(
        Row,
        numbers.map((n) => ({ n })),
      ),
    )
  }

  async prepare(final = false): Promise<Json[]> {
    const committable = await prepareEpoch(this.writer, ++this.#epoch, { final })
    return committable === undefined ? [] : [committable]
  }

  async commit(committables: readonly Json[]): Promise<string[]> {
    return (await this.sink.commit(committables)).map(({ kind }) => kind)
  }

  async close(): Promise<void> {
    await this.writer.close()
    await this.sink.close()
  }

  /** All that is left of a run that goes well. */
  async end(): Promise<void> {
    const outcomes = await this.commit(await this.prepare(true))
    if (outcomes.includes('lost')) throw new Error('staged rows are gone')
    await this.sink.finish()
    await this.close()
  }
}

async function numbersIn(host: ManualHost): Promise<number[]> {
  const rows = (await readSource(host, output.toSource())) as { readonly n: number }[]
  return rows.map(({ n }) => n).toSorted((left, right) => left - right)
}

async function refusal(action: Promise<unknown>): Promise<string> {
  try {
    await action
    return 'no error'
  } catch (error) {
    if (isMillraceError(error)) return `${error.code}: ${error.detail}`
    throw error
  }
}

const staged = (host: ManualHost): string[] => host.files.paths('out/_staged')

describe('runs that append to one folder at a time', () => {
  test('both keep what they have staged, and the folder for it, whoever ends first', async () => {
    const host = createManualHost()
    const [one, two] = [await Run.begin(host, 'append'), await Run.begin(host, 'append')]
    await one.write(1)
    await two.write(2)
    const prepared = await two.prepare()
    await one.end()
    expect(await two.commit(prepared)).toEqual(['committed'])
    await two.write(3)
    await two.end()
    expect(await numbersIn(host)).toEqual([1, 2, 3])
    expect(await host.files.status('out/_staged')).toBeUndefined()
  })

  test('FO3: a run that has opened its output and not begun to write keeps the folder for staged files', async () => {
    const host = createManualHost()
    const waiting = await Run.begin(host, 'append')
    await (await Run.begin(host, 'append')).end()
    await waiting.write(1)
    await waiting.end()
    expect(await numbersIn(host)).toEqual([1])
  })

  test('a folder for staged files that someone has cleared away is made again', async () => {
    const host = createManualHost()
    const run = await Run.begin(host, 'append')
    for (const path of staged(host)) await host.files.remove(path)
    await host.files.removeDirectory('out/_staged')
    await run.write(1)
    await run.end()
    expect(await numbersIn(host)).toEqual([1])
  })
})

describe('a run that wants a folder for itself', () => {
  test.each(['refuse', 'overwrite'] as const)('%s: is refused while another is at work', async (mode) => {
    for (const first of MODES) {
      const host = createManualHost()
      const working = await Run.begin(host, first)
      await working.write(1)
      const prepared = await working.prepare()
      expect(await refusal(Run.begin(host, mode))).toMatch(/^output\/exists: another run is writing to it/)
      expect(await working.commit(prepared)).toEqual(['committed'])
      await working.write(2)
      await working.end()
      expect(await numbersIn(host)).toEqual([1, 2])
      expect(await host.files.status('out/_staged')).toBeUndefined()
    }
  })

  test('of two that begin at the same moment one at most gets it', async () => {
    const host = createManualHost()
    const begun = await Promise.allSettled([Run.begin(host, 'refuse'), Run.begin(host, 'refuse')])
    expect(begun.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1)
  })

  test('gets it once the other is over, in the same process, also when that one failed', async () => {
    const host = createManualHost()
    const failing = await Run.begin(host, 'refuse')
    await failing.write(1)
    await failing.prepare()
    await failing.close()
    const next = await Run.begin(host, 'refuse')
    await next.write(2)
    await next.end()
    expect(await numbersIn(host)).toEqual([2])
    expect(staged(host)).toEqual([])
  })
})

describe('what a run leaves behind', () => {
  test.each(MODES)('FO2, V3: is swept at once when its process was killed (%s)', async (mode) => {
    const host = createManualHost()
    const killed = await Run.begin(host, 'append')
    await killed.write(1)
    await killed.prepare()
    await killed.write(2)
    host.restart()
    const next = await Run.begin(host, mode)
    expect(staged(host)).toHaveLength(1)
    await next.write(3)
    await next.end()
    expect(await numbersIn(host)).toEqual([3])
    expect(await host.files.status('out/_staged')).toBeUndefined()
  })

  test.each(MODES)('V3: stays for a day when nothing is known of its process (%s)', async (mode) => {
    const host = createManualHost()
    const elsewhere: ManualHost = {
      ...host,
      processes: {
        ...host.processes,
        self: async () => ({ ...(await host.processes.self()), machine: 'another' }),
      },
    }
    const away = await Run.begin(elsewhere, 'append')
    await away.write(1)
    const prepared = await away.prepare()
    host.files.put('out/_staged/0000000000ff-a1-t0-0.tmp', 'of a version without records')
    await (await Run.begin(host, mode)).end()
    expect(staged(host)).toHaveLength(3)
    expect(await away.commit(prepared)).toEqual(['committed'])
    await away.write(2)
    await away.prepare()
    await host.advance(DAY_MS + 60_000)
    await (await Run.begin(host, 'append')).end()
    expect(staged(host)).toEqual([])
  })

  test('V1: files that no sink named stay', async () => {
    const host = createManualHost()
    host.files.put('out/_staged/notes.txt', 'mine')
    await host.advance(2 * DAY_MS)
    await (await Run.begin(host, 'refuse')).end()
    expect(staged(host)).toEqual(['/out/_staged/notes.txt'])
  })

  test('an unreadable record of an owner is no reason to take its files away', async () => {
    const host = createManualHost()
    host.files.put('out/_staged/0000000000ff-a1-t0-0.tmp', 'rows')
    host.files.put('out/_staged/0000000000ff-a1.owner', '{"v":1,')
    await (await Run.begin(host, 'append')).end()
    expect(staged(host)).toHaveLength(2)
  })
})

describe('overwriting', () => {
  test('V4: replaces what was there when it began, and nothing that came since', async () => {
    const host = createManualHost()
    const first = await Run.begin(host, 'refuse')
    await first.write(1)
    await first.end()
    const overwriting = await Run.begin(host, 'overwrite')
    await overwriting.write(2)
    const appending = await Run.begin(host, 'append')
    await appending.write(3)
    await appending.end()
    await overwriting.end()
    expect(await numbersIn(host)).toEqual([2, 3])
  })
})
