// Options of a job from JavaScript, a cast or a spread object: a misspelt one is refused, not ignored.
import { describe, expect, test } from 'vitest'
import { memoryRows, memorySink } from '../../src/connect/index.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { pipeline, schema, t } from '../../src/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions } from '../../src/runtime/index.ts'

const copying = pipeline('copying', (p) => {
  p.read('read', memoryRows(schema({ n: t.int32() }), [{ n: 1 }])).write('write', memorySink())
})

function refused(options: object): unknown {
  try {
    return new Job(copying.build(), { host: createNodeHost(), ...options } as JobOptions)
  } catch (error) {
    return error
  }
}

describe('a job from JavaScript', () => {
  const started = (...given: readonly unknown[]): (() => Job) => {
    const JobOf = Job as unknown as new (...given: readonly unknown[]) => Job
    return () => new JobOf(...given)
  }

  test('says that the pipeline is not built', () => {
    for (const given of [copying, undefined, null, 'copying', {}])
      expect(started(given, { host: createNodeHost() })).toThrow(
        expect.objectContaining({
          code: 'plan/invalid-argument',
          hint: expect.stringContaining('.build()'),
        }),
      )
  })

  test('says that it has no host', () => {
    for (const options of [undefined, null, {}, { host: undefined }])
      expect(started(copying.build(), options)).toThrow(
        expect.objectContaining({
          code: 'plan/invalid-argument',
          what: 'a Job has no host',
          hint: expect.stringContaining('createNodeHost()'),
        }),
      )
  })
})

describe('options of a job that do not exist', () => {
  test('are refused with the nearest name', () => {
    expect(refused({ parallelizm: 2 })).toMatchObject({
      code: 'plan/invalid-argument',
      what: 'Job has no option "parallelizm"',
      hint: 'did you mean "parallelism"?',
    })
  })

  test('are refused when a mode is not one', () => {
    expect(refused({ mode: 'streaming' })).toMatchObject({
      code: 'plan/invalid-argument',
      detail: "expected 'batch' or 'micro-batch' or 'continuous'",
    })
    expect(refused({ outputMode: 'replace' })).toMatchObject({
      code: 'plan/invalid-argument',
      detail: "expected 'refuse' or 'overwrite' or 'append'",
    })
  })

  test('while every one that exists is taken, undefined ones too', () => {
    const all: Required<{ [name in keyof JobOptions]: JobOptions[name] | undefined }> = {
      host: createNodeHost(),
      mode: 'continuous',
      trigger: undefined,
      outputMode: undefined,
      parallelism: 2,
      preAggregate: false,
      batchRows: 10,
      epochIntervalMs: 10,
      stopWhenIdleMs: 10,
      drain: true,
      discoverIntervalMs: 10,
      state: undefined,
      savepoint: undefined,
      from: undefined,
      goOn: undefined,
      takeOver: undefined,
      dropState: undefined,
      renamedFrom: undefined,
      refreshTables: undefined,
      restart: undefined,
    }
    expect(refused(all)).toBeInstanceOf(Job)
  })

  test.each([
    [{ batchRows: 0 }, 'the option "batchRows" of a job cannot be 0'],
    [{ batchRows: 1.5 }, 'the option "batchRows" of a job cannot be 1.5'],
    [{ parallelism: -1 }, 'the option "parallelism" of a job cannot be -1'],
    [{ epochIntervalMs: Number.NaN }, 'the option "epochIntervalMs" of a job cannot be NaN'],
    [{ epochIntervalMs: '1s' }, 'the option "epochIntervalMs" of a job cannot be "1s"'],
    [{ stopWhenIdleMs: -5 }, 'the option "stopWhenIdleMs" of a job cannot be -5'],
    [{ state: 'dir' }, 'the option "state" of a job cannot be "dir"'],
    [{ state: null }, 'the option "state" of a job cannot be null'],
    [{ from: 3 }, 'the option "from" says how to go on with kept state, and there is none'],
    [{ takeOver: true }, 'the option "takeOver" says how to go on with kept state'],
  ])('are refused when their values cannot be: %o', (options, what) => {
    expect(() => refused(options)).not.toThrow()
    expect(refused(options)).toMatchObject({
      code: 'plan/invalid-argument',
      what: expect.stringContaining(what) as string,
    })
  })

  test('let a job run once, however quickly it is asked twice', async () => {
    const job = refused({ host: createNodeHost() }) as Job
    const both = await Promise.allSettled([job.run(), job.run()])
    expect(both.map(({ status }) => status)).toContain('rejected')
  })
})
