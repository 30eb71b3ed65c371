// What a running job says of itself besides counters: epochs by phase, commits that are tried again, failures.
import { MillraceError } from '@millrace/core/errors'
import type { EpochPhases, JobProgress } from '@millrace/core/runtime'
import { describe, expect, it } from 'vitest'
import { restartStrategy } from '../src/command-line/restart-strategy.ts'
import { UsageError } from '../src/command-line/usage-error.ts'
import { jobNotices, lastEpochText, plainLife } from '../src/progress/job-notices.ts'
import { endRecord, errorRecord, jsonLine, progressRecord } from '../src/progress/json-lines.ts'
import { progressBlock, progressLine } from '../src/progress/progress-lines.ts'
import { ratesBetween } from '../src/progress/rates.ts'
import { paintLine, plainPalette } from '../src/report/style.ts'

const lastEpoch: EpochPhases = {
  epoch: 41,
  alignMs: 3,
  copyMs: 2,
  writeMs: 30.4,
  publishMs: 5,
  commitMs: 8,
  stateBytes: 12_000,
  deliveredAtMs: 10_000,
}

function progress(more: Partial<JobProgress> = {}): JobProgress {
  return {
    elapsedMs: 2000,
    cpuMs: 1500,
    rowsIn: 10,
    bytesIn: 0,
    bytesTotal: undefined,
    rowsTotal: undefined,
    rowsOut: 10,
    bytesOut: 0,
    rowsLate: 0,
    rowsRejected: 0,
    watermark: -Infinity,
    backpressure: 0,
    epoch: 42,
    lastEpoch,
    steps: [],
    ...more,
  }
}

const away = new MillraceError('output/write-failed', { what: 'the disk is away', hint: 'wait' })
const unreachable = Object.assign(new Error('connect refused\nby 10.0.0.1'), { code: 'ECONNREFUSED' })
const caused = new MillraceError('output/write-failed', {
  what: 'no row can be written',
  cause: new Error('a request failed', { cause: unreachable }),
})
const failures = [
  { number: 1, atMs: 0, error: new Error('first') },
  { number: 2, atMs: 983_423_100_000, error: away },
]

describe('the last epoch', () => {
  it('is told by phase, with its bytes and its age', () => {
    expect(lastEpochText(progress(), 12_500)).toBe(
      'epoch 41 delivered 2.5 s ago: align 3 ms, copy 2 ms, write 30 ms, publish 5 ms, commit 8 ms, 12 kB of state',
    )
    expect(lastEpochText(progress({ lastEpoch: undefined }), 0)).toBeUndefined()
  })

  it('is told whole on a narrow terminal, in further lines', () => {
    const snapshot = progress()
    const rates = ratesBetween(undefined, snapshot)
    const state = {
      pipeline: 'p',
      mode: 'continuous',
      progress: snapshot,
      rates,
      nowMs: 10_400,
      stopping: false,
    } as const
    const lines = progressBlock(state, { rows: 24, columns: 80 }).map((line) => paintLine(line, plainPalette))
    expect(lines.every((line) => line.length < 80)).toBe(true)
    expect(lines.join(' ').replaceAll(/\s+/g, ' ')).toContain('publish 5 ms, commit 8 ms, 12 kB of state')
  })

  it('is shown where epochs are kept, and elsewhere not', () => {
    const shown = (more: Partial<JobProgress>, mode: 'continuous' | 'batch' = 'continuous'): string => {
      const snapshot = progress(more)
      const state = {
        pipeline: 'p',
        mode,
        progress: snapshot,
        rates: ratesBetween(undefined, snapshot),
        nowMs: 10_400,
        stopping: false,
      }
      const block = progressBlock(state, { rows: 24, columns: 200 })
      return [...block, progressLine(state)].map((line) => paintLine(line, plainPalette)).join('\n')
    }
    expect(shown({}).match(/epoch 41 delivered 400 ms ago/g)).toHaveLength(2)
    expect(shown({ lastEpoch: { ...lastEpoch, publishMs: 0 } })).not.toContain('delivered')
    expect(shown({}, 'batch')).not.toContain('delivered')
  })
})

describe('notices', () => {
  it('are none when all is well', () => {
    expect(jobNotices(progress(), { ...plainLife, epochIntervalMs: 1000 }, 0)).toEqual([])
  })

  it('say when epochs take longer than their interval, in what', () => {
    expect(jobNotices(progress(), { ...plainLife, epochIntervalMs: 20 }, 0)).toEqual([
      'epochs take longer than their interval of 20 ms: the last one align 3 ms, copy 2 ms, write 30 ms, publish 5 ms, commit 8 ms, 12 kB of state',
    ])
    const slowCommit = { ...lastEpoch, commitMs: 1500 }
    expect(
      jobNotices(progress({ lastEpoch: slowCommit }), { ...plainLife, epochIntervalMs: 1000 }, 0),
    ).toHaveLength(1)
  })

  it('say that a job has failed, when, why, and what comes now', () => {
    expect(jobNotices(progress(), { state: 'waiting', failures }, 0)).toEqual([
      'failed 2 times, the last time at 2001-03-01T05:05Z, about to start again: the disk is away',
    ])
    expect(jobNotices(progress(), { state: 'running', failures: failures.slice(0, 1) }, 0)).toEqual([
      'failed once, the last time at 1970-01-01T00:00Z, started again: first',
    ])
  })

  it('say which sink waits, for what, for how long and why', () => {
    const told = { step: 'out', target: 'table "a"', reason: 'no server is there', sinceMs: 3000 }
    const silent = { step: 'other', target: '/out', reason: undefined, sinceMs: 0 }
    const waiting = [
      { ...told, doing: undefined },
      { ...silent, doing: 'preparing' },
    ] as const
    expect(jobNotices(progress({ waiting }), plainLife, 9800)).toEqual([
      '"out" has waited 6.8 s for table "a": no server is there',
      '"other" has waited 9.8 s for /out (preparing)',
    ])
  })

  it('say that a commit is tried again', () => {
    const retrying = { step: 'out', tries: 3, reason: 'it is away', epoch: 1 }
    expect(jobNotices(progress({ retrying: retrying as never }), plainLife, 0)).toEqual([
      '"out" could not commit yet (3 times), trying again: it is away',
    ])
  })
})

describe('JSON lines', () => {
  const parse = (record: object): unknown => JSON.parse(jsonLine(record)) as unknown

  it('have the phases and the age of the last epoch, the state of the job and its failures', () => {
    const rates = ratesBetween(undefined, progress())
    const about = { life: { state: 'running' as const, failures }, nowMs: 10_250 }
    expect(parse(progressRecord(progress(), rates, about))).toMatchObject({
      state: 'running',
      lastEpoch: { epoch: 41, writeMs: 30.4, stateBytes: 12_000 },
      lastEpochAgeMs: 250,
      failures: [
        { number: 1, atMs: 0, code: null, message: 'first' },
        { code: 'output/write-failed', message: 'the disk is away' },
      ],
    })
  })

  it('have the causes of failures, the nearest first, and of the last error', () => {
    const causes = [
      { code: null, message: 'a request failed' },
      { code: 'ECONNREFUSED', message: 'connect refused' },
    ]
    const life = { state: 'running' as const, failures: [{ number: 1, atMs: 0, error: caused }] }
    const rates = ratesBetween(undefined, progress())
    expect(parse(progressRecord(progress(), rates, { life, nowMs: 0 }))).toMatchObject({
      failures: [{ causes }],
    })
    expect(parse(endRecord({ end: 'stopped', progress: progress() }, life.failures))).toMatchObject({
      failures: [{ causes }],
    })
    expect(parse(errorRecord(caused))).toMatchObject({ code: 'output/write-failed', causes })
    expect(parse(errorRecord(new Error('x', { cause: unreachable })))).toMatchObject({ causes: [causes[1]] })
    // A thing may be its own cause, or thrown without being an error.
    const endless = new Error('again')
    endless.cause = endless
    expect(parse(errorRecord(endless))).toMatchObject({
      causes: Array.from({ length: 8 }, () => ({ message: 'again' })),
    })
    expect(parse(errorRecord(new Error('x', { cause: 'a text' })))).toMatchObject({
      causes: [{ code: null, message: 'a text' }],
    })
    expect(parse(errorRecord(away))).not.toHaveProperty('causes')
  })

  it('have the outputs that wait, without what is not known of them', () => {
    const waiting = [
      { step: 'out', doing: 'writing', target: 'there', reason: undefined, sinceMs: 5 },
    ] as const
    const shown = progress({ waiting })
    expect(parse(progressRecord(shown, ratesBetween(undefined, shown)))).toHaveProperty('waiting', [
      { step: 'out', doing: 'writing', target: 'there', sinceMs: 5 },
    ])
  })

  it('say at the end how the run began', () => {
    const start = { kind: 'resume', attempt: 3, epoch: 7, committedAgain: 1, changes: [] } as const
    expect(parse(endRecord({ end: 'stopped', progress: progress(), start }, failures))).toMatchObject({
      type: 'end',
      start,
      failures: [{}, {}],
    })
  })
})

describe('--restart', () => {
  it.each([
    ['none', { kind: 'none' }],
    ['exponential', { kind: 'exponential' }],
    ['fixed:10s', { kind: 'fixed', delay: 10_000 }],
    ['fixed:250ms:5', { kind: 'fixed', delay: 250, attempts: 5 }],
    ['failure-rate:3/1m:10s', { kind: 'failure-rate', failures: 3, within: 60_000, delay: 10_000 }],
    ['failure-rate:3/1min:1s', { kind: 'failure-rate', failures: 3, within: 60_000, delay: 1000 }],
  ])('takes %s', (text, strategy) => {
    expect(restartStrategy(text)).toEqual(strategy)
  })

  it.each([
    'always',
    'none:1',
    'fixed',
    'fixed:10',
    'fixed:10s:0',
    'fixed:10s:5:1',
    'fixed:1 fortnight',
    'failure-rate:3',
    'failure-rate:3/1m',
    'failure-rate:x/1m:1s',
    'failure-rate:3/1m/2:1s',
  ])('refuses %s', (text) => {
    expect(() => restartStrategy(text)).toThrow(UsageError)
  })

  it('asks what may be meant', () => {
    const refused = (): unknown => restartStrategy('fixd:10s')
    expect(refused).toThrow(expect.objectContaining({ hint: 'did you mean --restart fixed:10s?' }))
  })
})
