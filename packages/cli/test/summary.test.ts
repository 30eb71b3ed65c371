// The last words on a run: what came of it, what did not, and what to do next.
import type { LogicalNode } from '@millrace/core/plan'
import type { JobProgress, StepProgress } from '@millrace/core/runtime'
import { describe, expect, it } from 'vitest'
import { invocationText, shellWord } from '../src/command-line/invocation.ts'
import { parseWords } from '../src/command-line/parse-words.ts'
import { runCommand } from '../src/commands/run-command.ts'
import { endRecord } from '../src/progress/json-lines.ts'
import { followCommand } from '../src/report/follow-command.ts'
import { plainPalette } from '../src/report/style.ts'
import { summaryText } from '../src/report/summary.ts'

function step(name: string, kind: string, more: Partial<StepProgress> = {}): StepProgress {
  const counters = {
    rowsIn: 5,
    rowsOut: 5,
    lateRows: 0,
    rejectedRows: 0,
    stateEntries: 0,
    pendingTimers: 0,
    waitingRows: 0,
    stateBytes: 0,
  }
  return { step: name, kind, ...counters, watermark: 1000, ...more }
}

function progress(...steps: StepProgress[]): JobProgress {
  return {
    elapsedMs: 1040.781313,
    cpuMs: 31.576000000000022,
    rowsIn: 1,
    bytesIn: 321,
    bytesTotal: 321,
    rowsTotal: undefined,
    rowsOut: 1,
    bytesOut: 0,
    rowsLate: 0,
    rowsRejected: 0,
    watermark: 1000,
    backpressure: 1 / 3,
    epoch: 2,
    steps,
  }
}

function node(of: { step: string; kind: string; from?: string; port?: string; path?: string }): LogicalNode {
  const { step: name, kind, from, port = 'main', path } = of
  const inputs = from === undefined ? [] : [{ step: from, port }]
  return { step: name, kind, inputs, sink: { options: { path } } } as unknown as LogicalNode
}

function summary(snapshot: JobProgress, nodes: readonly LogicalNode[] = []): string {
  const result = { end: 'idle', progress: snapshot } as const
  return summaryText({ pipeline: 'p', mode: 'continuous', nodes, result, memoryBytes: 1e8 }, plainPalette)
}

describe('the summary', () => {
  it('says how a run ended and after how long', () => {
    const first = (end: 'finished' | 'idle' | 'stopped', stopWhenIdleMs?: number): string | undefined => {
      const result = { end, progress: progress() } as const
      const of = {
        pipeline: 'p',
        mode: 'continuous',
        nodes: [],
        result,
        stopWhenIdleMs,
        memoryBytes: 1e8,
      } as const
      return summaryText(of, plainPalette).split('\n')[0]
    }
    expect(first('finished')).toMatch(/^p: done in 1\.0\d? s$/)
    expect(first('stopped')).toMatch(/^p: stopped after 1\.0\d? s$/)
    expect(first('idle')).toMatch(/^p: stopped after 1\.0\d? s: nothing new came$/)
    expect(first('idle', 2000)).toMatch(/^p: stopped after 1\.0\d? s: nothing new came for 2(\.0+)? s$/)
  })

  it('says behind which phase a batch went on', () => {
    const start = {
      kind: 'resume',
      attempt: 2,
      epoch: 1,
      phases: { done: 1, of: 3, tasks: 2 },
      committedAgain: 0,
      changes: [],
    } as const
    const result = { end: 'finished', progress: progress(), start } as const
    const text = summaryText(
      { pipeline: 'p', mode: 'batch', nodes: [], result, memoryBytes: 1e8 },
      plainPalette,
    )
    expect(text).toContain(
      'went on behind phase 1 of 3, in 2 tasks per stage; what came before was not read again',
    )
  })

  it.each([
    ['batch', /runs once in a state directory.*name another --state/s, /--go-on/],
    ['continuous', /--go-on reads new input/, /runs once/],
  ] as const)('says of an ended %s job how to run it again, and names no results', (mode, way, no) => {
    const start = { kind: 'ended', attempt: 2, epoch: 2, committedAgain: 0, changes: [] } as const
    const result = { end: 'finished', progress: progress(), start } as const
    const nodes = [node({ step: 'out', kind: 'sink', path: 'elsewhere' })]
    const text = summaryText({ pipeline: 'p', mode, nodes, result, memoryBytes: 1e8 }, plainPalette)
    expect(text).toMatch(way)
    expect(text).not.toMatch(no)
    expect(text).not.toContain('elsewhere')
  })

  it('names tables beside their file or server, so that two of one file can be told apart', () => {
    const sink = (name: string, connector: string, options: object): LogicalNode =>
      ({
        step: name,
        kind: 'sink',
        inputs: [],
        sink: { connector, options },
      }) as unknown as LogicalNode
    const nodes = [
      sink('one', 'sqlite', { path: 'shop.db', table: 'orders' }),
      sink('two', 'sqlite', { path: 'shop.db', table: 'cities' }),
      sink('three', 'postgres', { table: '"orders"', connection: { host: 'localhost' } }),
      sink('four', 'blackhole', {}),
    ]
    const counted = progress(step('one', 'sink'), step('two', 'sink', { rowsIn: 1 }), step('three', 'sink'))
    expect(summary(counted, nodes).split('  results\n')[1]).toBe(
      '    shop.db, table orders     5 rows\n' +
        '    shop.db, table cities     1 row\n' +
        '    postgres, table "orders"  5 rows\n',
    )
  })

  it('says that the table of a join is as an earlier run has read it', () => {
    const start = {
      kind: 'resume',
      attempt: 2,
      epoch: 2,
      committedAgain: 0,
      changes: [],
      tables: ['names'],
    } as const
    const result = { end: 'idle', progress: progress(), start } as const
    const of = { pipeline: 'p', mode: 'micro-batch', nodes: [], result, memoryBytes: 1e8 } as const
    expect(summaryText(of, plainPalette)).toContain(
      'table names is as an earlier run has read it (--refresh-tables reads it anew)',
    )
  })

  it('names what lets windows of a batch run wait for late rows', () => {
    const result = {
      end: 'finished',
      progress: progress(step('hourly', 'window-aggregate', { lateRows: 2 })),
    } as const
    const of = { pipeline: 'p', mode: 'batch', nodes: [], result, memoryBytes: 1e8 } as const
    expect(summaryText(of, plainPalette)).toContain("eventTime: { column: '…', watermark: 'at-end' }")
  })

  it('counts one row as one', () => {
    const text = summary(progress(step('out', 'sink', { rowsIn: 1 })), [
      node({ step: 'out', kind: 'sink', path: 'out' }),
    ])
    expect(text).toContain('read 1 row (321 B), wrote 1 row\n')
    expect(text).toContain('    out  1 row\n')
  })

  it.each([
    [undefined, 'with --state DIR a later run goes on with it'],
    [
      { kind: 'resume', attempt: 2, epoch: 1, committedAgain: 0, changes: [] } as const,
      'a later run with the same --state goes on with it',
    ],
  ])('says of a run that read what was there that windows stay open', (start, remedy) => {
    const open = progress(step('hourly', 'window-aggregate', { stateEntries: 1 }))
    const result = { end: 'idle', progress: open, start } as const
    const text = summaryText(
      { pipeline: 'p', mode: 'micro-batch', nodes: [], result, memoryBytes: 1e8 },
      plainPalette,
    )
    expect(text).toContain('p: done in 1.0 s: what was there is read\n')
    expect(text).toContain(`without a result\n    ${remedy}\n`)
    expect(text).not.toContain('--drain')
  })

  it('says of a run that keeps state that a later one goes on with windows, however it ended', () => {
    const open = progress(step('hourly', 'window-aggregate', { stateEntries: 2 }))
    const start = { kind: 'begin', attempt: 1, epoch: 0, committedAgain: 0, changes: [] } as const
    const result = { end: 'stopped', progress: open, start } as const
    const text = summaryText(
      { pipeline: 'p', mode: 'continuous', nodes: [], result, memoryBytes: 1e8 },
      plainPalette,
    )
    expect(text).toContain('without a result\n    a later run with the same --state goes on with them\n')
    expect(text).not.toContain('--drain')
  })

  it('tells how many windows of which step never fired, and that --drain would fire them', () => {
    const text = summary(
      progress(
        step('hourly', 'window-aggregate', { stateEntries: 1234 }),
        step('daily', 'window-aggregate', { stateEntries: 1 }),
        step('lookup', 'lookup-join', { stateEntries: 7 }),
      ),
    )
    expect(text).toContain(
      '  hourly: 1,234 windows (counted per key) are still open, without a result\n' +
        '  daily: 1 window is still open, without a result\n' +
        '    --drain fires them at the end of the run\n',
    )
    expect(text).not.toContain('lookup')
  })

  it('counts what the first half of an aggregation holds, and nothing once all windows have fired', () => {
    const open = progress(
      step('hourly/partial', 'partial-aggregate', { stateEntries: 2 }),
      step('hourly', 'window-aggregate', { stateEntries: 1 }),
    )
    expect(summary(open)).toContain('hourly: 3 windows')
    const drained = progress(step('hourly', 'window-aggregate', { stateEntries: 1, watermark: Infinity }))
    expect(summary(drained)).not.toContain('open')
  })

  it('tells how many timers of which step had not fired, with one remedy for windows and timers', () => {
    const alerts = step('alerts', 'process', { stateEntries: 30, pendingTimers: 1200 })
    expect(summary(progress(alerts))).toContain(
      '  alerts: 1,200 timers had not fired\n    --drain fires them at the end of the run\n',
    )
    const one = step('alerts', 'process', { pendingTimers: 1 })
    expect(summary(progress(one))).toContain(
      '  alerts: 1 timer had not fired\n    --drain fires it at the end of the run\n',
    )
    const both = summary(progress(step('hourly', 'window-aggregate', { stateEntries: 1 }), one))
    expect(both).toContain(
      '  hourly: 1 window is still open, without a result\n' +
        '  alerts: 1 timer had not fired\n' +
        '    --drain fires them at the end of the run\n',
    )
    expect(summary(progress(step('alerts', 'process', { stateEntries: 30 })))).not.toContain('alerts')
  })

  it('tells how many rows of a join still wait for a partner', () => {
    const paid = step('paid', 'interval-join', { stateEntries: 60, waitingRows: 27 })
    expect(summary(progress(paid))).toContain(
      '  paid: 27 rows still wait for a partner\n    --drain lets them out at the end of the run\n',
    )
    const one = progress(step('paid', 'interval-join', { waitingRows: 1 }))
    expect(summary(one)).toContain(
      '  paid: 1 row still waits for a partner\n    --drain lets it out at the end of the run\n',
    )
    expect(endRecord({ end: 'stopped', progress: one })).toMatchObject({
      waitingRows: [{ step: 'paid', rows: 1 }],
    })
  })

  it('names the step of late rows, how many, and the remedy', () => {
    const late = progress(step('hourly', 'window-aggregate', { lateRows: 2 }))
    expect(summary(late)).toContain(
      '  hourly: 2 rows came too late for their windows\n' +
        '    a larger disorder of the event time lets windows wait; .late gives such rows\n',
    )
    const read = [
      node({ step: 'hourly/late', kind: 'transform', from: 'hourly', port: 'late' }),
      node({ step: 'late-out', kind: 'sink', from: 'hourly/late' }),
    ]
    expect(summary(late, read)).toContain('    they went to "late-out"; a larger disorder')
  })

  it('goes on under its text on a narrow terminal, and keeps paths whole', () => {
    const path = `out/${'x'.repeat(60)}`
    const snapshot = progress(
      step('hourly', 'window-aggregate', { lateRows: 2 }),
      step('out', 'sink', { rowsIn: 7 }),
    )
    const result = { end: 'idle', progress: snapshot } as const
    const nodes = [node({ step: 'out', kind: 'sink', path })]
    const of = { pipeline: 'p', mode: 'continuous', nodes, result, memoryBytes: 1e8 } as const
    const text = summaryText(of, plainPalette, 50)
    expect(text).toContain(
      '    a larger disorder of the event time lets\n    windows wait; .late gives such rows\n',
    )
    expect(text).toContain(`    ${path}  7 rows\n`)
  })

  it('says where overwriting removed results and put nothing in their place', () => {
    const nodes = [node({ step: 'out', kind: 'sink', path: 'out/hourly' })]
    const text = (rowsIn: number, more: object = {}): string => {
      const result = { end: 'stopped', progress: progress(step('out', 'sink', { rowsIn })) } as const
      const of = { pipeline: 'p', mode: 'continuous', nodes, result, memoryBytes: 1e8, ...more } as const
      return summaryText(of, plainPalette)
    }
    const removed = 'out/hourly  0 rows; what it held before was removed (--output-mode overwrite)\n'
    expect(text(0, { outputMode: 'overwrite' })).toContain(removed)
    expect(text(1, { outputMode: 'overwrite' })).toContain('out/hourly  1 row\n')
    expect(text(0)).toContain('out/hourly  0 rows\n')
  })

  it('names the step of rejected rows, and where they are', () => {
    const rejected = progress(step('orders', 'source', { rejectedRows: 1 }))
    expect(summary(rejected)).toContain(
      '  orders: 1 row was rejected\n    write .rejected to see them, with the reasons\n',
    )
    const read = [node({ step: 'bad', kind: 'sink', from: 'orders', port: 'rejected' })]
    expect(summary(rejected, read)).toContain('    it went to "bad"\n')
  })

  it('for programs has the open windows, and no digits that mean nothing', () => {
    const open = progress(step('hourly', 'window-aggregate', { stateEntries: 3 }))
    expect(endRecord({ end: 'idle', progress: open })).toMatchObject({
      elapsedMs: 1040.781,
      cpuMs: 31.576,
      backpressure: 0.333,
      openWindows: [{ step: 'hourly', groups: 3 }],
      pendingTimers: [],
    })
    const set = progress(step('alerts', 'process', { pendingTimers: 12 }))
    expect(endRecord({ end: 'stopped', progress: set })).toMatchObject({
      pendingTimers: [{ step: 'alerts', timers: 12 }],
    })
  })
})

describe('the command that follows the input', () => {
  const follow = (words: string[], nodes: readonly LogicalNode[] = []): string =>
    followCommand(parseWords(runCommand, words), { invocation: 'npx millrace', nodes })?.words.join(' ') ??
    'none'

  it('keeps the options and flags that were given, quoted for a shell', () => {
    const words = ['a b.ts', '--set', "in=it's", '-s', 'n=1', '--mode', 'batch', '-p', '2', '--quiet']
    expect(follow(words)).toBe(
      "npx millrace run 'a b.ts' --set 'in=it'\\''s' --set n=1 --parallelism 2 --mode continuous",
    )
  })

  it('overwrites no upsert, and is not there where one stands beside other outputs', () => {
    const sink = (name: string, options: object): LogicalNode =>
      ({ step: name, kind: 'sink', inputs: [], sink: { options } }) as unknown as LogicalNode
    const upsert = sink('upsert', { path: 'shop.db', table: 'hourly', mode: 'upsert' })
    const append = sink('append', { table: 'hourly', mode: 'append' })
    expect(follow(['p.ts'], [upsert])).toBe('npx millrace run p.ts --mode continuous')
    expect(follow(['p.ts'], [append])).toContain('--output-mode overwrite')
    expect(follow(['p.ts'], [upsert, append])).toBe('none')
  })

  it('says whether it replaces what the batch run has written', () => {
    const nodes = [node({ step: 'out', kind: 'sink', path: 'out' })]
    const replaces = (words: string[], of: readonly LogicalNode[]): boolean | undefined =>
      followCommand(parseWords(runCommand, words), { invocation: 'millrace', nodes: of })?.replaces
    expect(replaces(['p.ts'], nodes)).toBe(true)
    expect(replaces(['p.ts', '--output-mode', 'append'], nodes)).toBe(false)
    expect(replaces(['p.ts'], [])).toBe(false)
  })

  it('lets the run write where the batch run has written', () => {
    const nodes = [node({ step: 'out', kind: 'sink', path: 'out' })]
    expect(follow(['p.ts'], nodes)).toContain('p.ts --output-mode overwrite --mode continuous')
    expect(follow(['p.ts', '--output-mode', 'append'], nodes)).toContain('p.ts --output-mode append --mode')
  })
})

describe('the words that start the command again', () => {
  const called = (program: string | undefined, environment: Record<string, string> = {}): string =>
    invocationText({ program, environment, workingDirectory: '/srv/shop' })

  it('are npx millrace where npm has started it, or only npx would find it', () => {
    expect(called('/srv/shop/node_modules/.bin/millrace', { npm_command: 'exec' })).toBe('npx millrace')
    expect(called('/srv/shop/node_modules/.bin/millrace')).toBe('npx millrace')
    expect(called(undefined)).toBe('npx millrace')
  })

  it('are millrace where a shell finds it, and else the path', () => {
    expect(called('/usr/local/bin/millrace', { PATH: '/usr/bin:/usr/local/bin' })).toBe('millrace')
    expect(called('/opt/m/node_modules/.bin/millrace')).toBe('/opt/m/node_modules/.bin/millrace')
    expect(called('/srv/shop/bin/millrace.js')).toBe('node bin/millrace.js')
  })

  it('are quoted where a shell would take them apart', () => {
    expect(shellWord('data/2024-*.csv')).toBe("'data/2024-*.csv'")
    expect(shellWord('')).toBe("''")
  })
})
