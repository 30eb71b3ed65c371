/**
 * The suite that every sink passes: what the engine relies on in connect/sink.ts, tried from outside.
 */
import { batchOfRows, BatchBuilder } from '../data/batch-builder.ts'
import type { Batch } from '../data/batch.ts'
import type { Column } from '../data/column.ts'
import type { Json } from '../data/type.ts'
import { isMillraceError } from '../errors.ts'
import type { ConformanceOptions, TestTools } from './conformance.ts'
import { declareSuite } from './conformance.ts'
import { declareAttempts } from './sink-attempts.ts'
import { declareEpochs, declareKills } from './sink-epochs.ts'
import { kinds, list, OTHER_LINEAGE, prepareEpoch, SinkTrial } from './sink-trial.ts'
import type { SinkSubject } from './sink-trial.ts'

/** What is tried. */
export interface SinkConformanceOptions extends ConformanceOptions {
  readonly setup: () => Promise<SinkSubject>
  /** Whether `refuse`, `overwrite` and `append` make a difference; default true. */
  readonly hasOutputModes?: boolean
  /** Whether what was prepared can be lost (it is at the target, not in the committable); default true. */
  readonly stages?: boolean
  /**
   * Whether rows may show in a later epoch than the one that they were written in; default false. Only what holds then
   * is tried: that every row shows once in the end.
   */
  readonly holdsBack?: boolean
  /** Rows that the target shows in all, at most; default 6000: so many that writers answer with promises. */
  readonly rowsMax?: number
}

/**
 * Declares the tests of a sink. It must end its files (or whatever it has) with every epoch, unless it `holdsBack`.
 *
 * @example
 * sinkConformance({ describe, test, expect }, { name: 'my sink', setup: async () => ({ host, sink, schema, row, visible }) })
 */
export function sinkConformance(tools: TestTools, options: SinkConformanceOptions): void {
  declareSuite(tools, options, (declare) => {
    const test: DeclareSink = (name, body) =>
      declare(name, async () => {
        const subject = await options.setup()
        try {
          await body(new SinkTrial(subject, tools))
        } finally {
          await subject.cleanup?.()
        }
      })
    declareKills(declare, tools, options)
    declareAttempts(declare, tools, options.setup)
    if (options.holdsBack === true) return
    declareCommits(test, tools)
    declareEpochs(test, tools)
    declareWriting(test, tools, options.rowsMax ?? ROWS_MAX)
    declareRecovery(test, tools, options.stages ?? true)
    if (options.hasOutputModes ?? true) declareModes(test, tools)
  })
}

type DeclareSink = (name: string, body: (job: SinkTrial) => Promise<void>) => void

function declareCommits(test: DeclareSink, { expect }: TestTools): void {
  test('shows nothing before the commit, everything after it', async (job) => {
    const run = await job.open()
    const writer = await run.writer(0)
    await job.write(writer, [0, 1, 2])
    await job.expectVisible([])
    const committable = await prepareEpoch(writer, 1, { final: false })
    await job.expectVisible([])
    expect(kinds(await run.commit(list(committable)))).toEqual(['committed'])
    await job.expectVisible([0, 1, 2])
  })

  test('commits the same committable once, however often it is told to', async (job) => {
    const run = await job.open()
    const writer = await run.writer(0)
    await job.write(writer, [0, 1])
    const committables = list(await prepareEpoch(writer, 1, { final: false }))
    await run.commit(committables)
    expect(kinds(await run.commit(committables))).toEqual(['already-committed'])
    expect(kinds(await run.commit([...committables, ...committables]))).toEqual([
      'already-committed',
      'already-committed',
    ])
    await job.expectVisible([0, 1])
  })

  test('says how many rows a commit showed, in the order of the committables', async (job) => {
    const run = await job.open()
    const committables: Json[] = []
    for (const [task, numbers] of [[0], [1, 2, 3], [4, 5]].entries()) {
      const writer = await run.writer(task)
      await job.write(writer, numbers)
      committables.push(...list(await prepareEpoch(writer, 1, { final: false })))
    }
    const outcomes = await run.commit(committables)
    expect(outcomes.map((outcome) => (outcome.kind === 'committed' ? outcome.rows : outcome.kind))).toEqual([
      1, 3, 2,
    ])
  })

  test('has committables that can be written down', async (job) => {
    const run = await job.open()
    const writer = await run.writer(0)
    await job.write(writer, [0])
    const committable = await prepareEpoch(writer, 1, { final: false })
    expect(JSON.parse(JSON.stringify(committable))).toEqual(committable)
  })

  test('prepares nothing that shows rows when nothing was written', async (job) => {
    const run = await job.open()
    const writer = await run.writer(0)
    const first = list(await prepareEpoch(writer, 1, { final: false }))
    await run.commit(first)
    await run.commit(list(await prepareEpoch(writer, 2, { final: true })))
    await job.expectVisible([])
    await writer.close()
    await run.finish()
    await run.close()
  })

  test('keeps epochs and tasks apart', async (job) => {
    const run = await job.open()
    const writers = [await run.writer(0), await run.writer(1)]
    let next = 0
    for (let epoch = 1; epoch <= 3; epoch++) {
      const committables: Json[] = []
      for (const writer of writers) {
        await job.write(writer, [next++, next++])
        committables.push(...list(await prepareEpoch(writer, epoch, { final: epoch === 3 })))
      }
      await run.commit(committables)
      await job.expectVisible(Array.from({ length: next }, (_, n) => n))
    }
  })
}

function declareWriting(test: DeclareSink, { expect }: TestTools, rowsMax: number): void {
  test('has read a batch when write returns, also when it answers with a promise', async (job) => {
    const run = await job.open()
    const writer = await run.writer(0)
    const large = Math.ceil(rowsMax * 0.8)
    for (let from = 0, count = large; from < rowsMax; from += count, count = Math.ceil(rowsMax / 20)) {
      const numbers = Array.from({ length: Math.min(count, rowsMax - from) }, (_, n) => from + n)
      const batch = batchOfRows(
        job.subject.schema,
        numbers.map((n) => job.subject.row(n)),
      )
      const answer = writer.write(batch)
      overwriteMemory(batch)
      await answer
    }
    await run.commit(list(await prepareEpoch(writer, 1, { final: true })))
    await job.expectVisible(Array.from({ length: rowsMax }, (_, n) => n))
    expect(writer.written().rows).toEqual(rowsMax)
  })

  test('does not look at a batch after the call is done', async (job) => {
    const run = await job.open()
    const writer = await run.writer(0)
    const builder = new BatchBuilder(job.subject.schema, 4)
    for (let n = 0; n < 20; n++) {
      builder.reset()
      builder.appendRow(job.subject.row(n))
      await writer.write(builder.finish())
    }
    // The builder's memory is overwritten with other rows before the epoch ends.
    builder.reset()
    for (let n = 100; n < 104; n++) builder.appendRow(job.subject.row(n))
    await run.commit(list(await prepareEpoch(writer, 1, { final: true })))
    await job.expectVisible(Array.from({ length: 20 }, (_, n) => n))
  })

  test('takes only the rows that are selected', async (job) => {
    const run = await job.open()
    const writer = await run.writer(0)
    const batch = batchOfRows(
      job.subject.schema,
      [0, 1, 2, 3, 4].map((n) => job.subject.row(n)),
    )
    await writer.write({ ...batch, selection: Int32Array.of(1, 4, 0), selectedCount: 2 })
    await writer.write({ ...batch, selection: Int32Array.of(), selectedCount: 0 })
    await run.commit(list(await prepareEpoch(writer, 1, { final: true })))
    await job.expectVisible([1, 4])
  })

  test('counts the rows that it was given', async (job) => {
    const run = await job.open()
    const writer = await run.writer(0)
    expect(writer.written().rows).toEqual(0)
    await job.write(writer, [0, 1, 2])
    expect(writer.written().rows).toEqual(3)
    await prepareEpoch(writer, 1, { final: false })
    await job.write(writer, [3])
    expect(writer.written().rows).toEqual(4)
  })

  test('leaves nothing visible when it is closed early, and closes twice', async (job) => {
    const run = await job.open()
    const writer = await run.writer(0)
    await job.write(writer, [0, 1])
    await writer.close()
    await writer.close()
    await run.close()
    await run.close()
    await job.expectVisible([])
  })
}

function declareRecovery(test: DeclareSink, { expect }: TestTools, stages: boolean): void {
  test('commits in a later attempt what an earlier one prepared', async (job) => {
    const committables = await job.prepareAndCrash([[0, 1], [2]])
    const run = await job.open({ attempt: 2 })
    await run.sweep(committables)
    expect(kinds(await run.commit(committables))).toEqual(['committed', 'committed'])
    await job.expectVisible([0, 1, 2])
  })

  test('does not repeat what an earlier attempt committed', async (job) => {
    const committables = await job.prepareAndCrash([[0, 1], [2]])
    const earlier = await job.open({ attempt: 2 })
    await earlier.commit(committables.slice(0, 1))
    const run = await job.open({ attempt: 3 })
    expect(kinds(await run.commit(committables))).toEqual(['already-committed', 'committed'])
    await job.expectVisible([0, 1, 2])
  })

  if (stages) {
    test('sweeps what no one names, and nothing else', async (job) => {
      const committables = await job.prepareAndCrash([[0, 1], [2], [3]])
      const run = await job.open({ attempt: 2 })
      await run.commit(committables.slice(0, 1))
      await run.sweep(committables.slice(1, 2))
      expect(kinds(await run.commit(committables))).toEqual(['already-committed', 'committed', 'lost'])
      await job.expectVisible([0, 1, 2])
    })
  }

  test('keeps on writing after a sweep', async (job) => {
    await job.prepareAndCrash([[0]])
    const run = await job.open({ attempt: 2 })
    const writer = await run.writer(0)
    await job.write(writer, [1])
    await run.sweep([])
    await run.commit(list(await prepareEpoch(writer, 1, { final: true })))
    await job.expectVisible([1])
  })
}

function declareModes(test: DeclareSink, { expect }: TestTools): void {
  test('refuses a target that holds output of another run', async (job) => {
    await job.runWhole([0, 1], {})
    let code = 'none'
    try {
      await job.runWhole([2], { lineage: OTHER_LINEAGE, outputMode: 'refuse' })
    } catch (error) {
      code = isMillraceError(error) ? error.code : String(error)
    }
    expect(code).toEqual('output/exists')
    await job.expectVisible([0, 1])
  })

  test('goes on with a target that holds its own output', async (job) => {
    await job.runWhole([0, 1], {})
    await job.runWhole([2], { attempt: 2, epoch: 2 })
    await job.expectVisible([0, 1, 2])
  })

  test('replaces older output when it overwrites, at the end', async (job) => {
    await job.runWhole([0, 1], {})
    const run = await job.open({ lineage: OTHER_LINEAGE, outputMode: 'overwrite' })
    await run.sweep([])
    const writer = await run.writer(0)
    await job.write(writer, [2])
    const committables = list(await prepareEpoch(writer, 1, { final: true }))
    await job.expectVisible([0, 1])
    await run.commit(committables)
    await run.finish()
    await job.expectVisible([2])
    await run.finish()
    await job.expectVisible([2])
  })

  test('keeps older output when a run that overwrites fails', async (job) => {
    await job.runWhole([0, 1], {})
    const run = await job.open({ lineage: OTHER_LINEAGE, outputMode: 'overwrite' })
    const writer = await run.writer(0)
    await job.write(writer, [2])
    await writer.close()
    await run.close()
    await job.expectVisible([0, 1])
  })

  test('adds to older output when it appends', async (job) => {
    await job.runWhole([0, 1], {})
    await job.runWhole([2], { lineage: OTHER_LINEAGE, outputMode: 'append' })
    await job.expectVisible([0, 1, 2])
  })
}

const ROWS_MAX = 6000

/** Does to a batch what its producer may do as soon as `write` has returned. */
function overwriteMemory(batch: Batch): void {
  for (const column of batch.columns) overwriteColumn(column)
}

function overwriteColumn(column: Column): void {
  column.validity?.fill(0x5a)
  switch (column.layout) {
    case 'fixed':
      column.values.fill(77)
      return
    case 'wide':
      column.values.fill(77n)
      return
    case 'utf8':
      column.bytes.fill(0x2a)
      column.starts.fill(0)
      column.lengths.fill(0)
      return
    case 'dictionary':
      column.codes.fill(0)
      return
    case 'list':
      column.starts.fill(0)
      column.lengths.fill(0)
      overwriteColumn(column.child)
      return
    case 'struct':
      for (const child of column.children) overwriteColumn(child)
  }
}
