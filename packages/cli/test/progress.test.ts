import type { JobProgress, StepProgress } from '@millrace/core/runtime'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plainLife } from '../src/progress/job-notices.ts'
import { endRecord, errorRecord, jsonLine, progressRecord } from '../src/progress/json-lines.ts'
import { bar, progressBlock, progressLine } from '../src/progress/progress-lines.ts'
import type { ProgressState } from '../src/progress/progress-lines.ts'
import { RateWindow, ratesBetween, remainingMs, shareDone } from '../src/progress/rates.ts'
import { redraw, Screen } from '../src/progress/screen.ts'
import { colorPalette, paintLine, plainPalette } from '../src/report/style.ts'

function step(name: string, rowsIn: number, more: Partial<StepProgress> = {}): StepProgress {
  return {
    step: name,
    kind: 'transform',
    rowsIn,
    rowsOut: rowsIn,
    lateRows: 0,
    rejectedRows: 0,
    stateEntries: 0,
    pendingTimers: 0,
    waitingRows: 0,
    stateBytes: 0,
    watermark: -Infinity,
    ...more,
  }
}

function progress(more: Partial<JobProgress> = {}): JobProgress {
  return {
    elapsedMs: 2000,
    cpuMs: 1500,
    rowsIn: 1_000_000,
    bytesIn: 40_000_000,
    bytesTotal: 160_000_000,
    rowsTotal: undefined,
    rowsOut: 5000,
    bytesOut: 100_000,
    rowsLate: 0,
    rowsRejected: 0,
    watermark: 983_423_100_000,
    backpressure: 0.25,
    epoch: 0,
    steps: [step('flights', 1_000_000, { kind: 'source' }), step('out', 5000, { kind: 'sink' })],
    ...more,
  }
}

function state(more: Partial<JobProgress> = {}, rest: Partial<ProgressState> = {}): ProgressState {
  const snapshot = progress(more)
  return {
    pipeline: 'flight-delays',
    mode: 'batch',
    progress: snapshot,
    rates: ratesBetween(undefined, snapshot),
    nowMs: 983_423_100_000 + 60_000,
    stopping: false,
    ...rest,
  }
}

const text = (of: ProgressState, rows: number = 40): string[] =>
  progressBlock(of, { rows, columns: 100 }).map((line) => paintLine(line, plainPalette))

describe('the block on a terminal', () => {
  it('shows rates, share, time left, steps, event time and backpressure', () => {
    expect(text(state())).toEqual([
      'flight-delays  batch  2.0 s',
      '  1,000,000 rows  500 k rows/s  20 MB/s  ██████░░░░░░░░░░░░░░░░░░  25 %  6.0 s left',
      '  step        rows in    rows out rows in/s',
      '  flights   1,000,000   1,000,000     500 k',
      '  out           5,000       5,000     2.5 k',
      '  event time 2001-03-01T05:05Z   backpressure 25 %',
    ])
  })

  it('shows the phase of a batch, and no share in those that read what is sealed', () => {
    const [head, counters] = text(state({ phase: { number: 1, of: 3 } }))
    expect(head).toBe('flight-delays  batch, phase 1 of 3  2.0 s')
    expect(counters).toContain('25 %')
    const first = { phase: { number: 1, of: 3 }, bytesIn: 160_000_000, watermark: Infinity }
    const read = [...text(state(first)), paintLine(progressLine(state(first)), plainPalette)].join('\n')
    expect(read).not.toMatch(/100 %|left|all input read/)
    expect(read).toContain('flight-delays: phase 1 of 3, 1,000,000 rows in')
    const later = text(state({ phase: { number: 2, of: 3 } }))
    expect(later[0]).toBe('flight-delays  batch, phase 2 of 3  2.0 s')
    expect(later[1]).toBe('  1,000,000 rows  500 k rows/s  20 MB/s')
  })

  it('shows no share of an input that has no end', () => {
    const [head, counters] = text(state({ epoch: 7 }, { mode: 'continuous' }))
    expect(head).toBe('flight-delays  continuous, epoch 7  2.0 s')
    expect(counters).toBe('  1,000,000 rows  500 k rows/s  20 MB/s')
  })

  it('shows what is kept, late and rejected where there is some', () => {
    const steps = [step('hourly', 10, { stateEntries: 1234, stateBytes: 5e6, lateRows: 2, rejectedRows: 1 })]
    expect(text(state({ steps }))[3]).toMatch(/ {3}1\.23 k {4}5 MB {2}2 late {2}1 rejected$/)
  })

  it('shows the watermark of input without end with its lag behind the clock', () => {
    const continuous = { mode: 'continuous' } as const
    const last = (more: Partial<JobProgress>, rest: Partial<ProgressState> = {}): string =>
      text(state(more, { ...continuous, ...rest })).at(-1) ?? ''
    expect(last({})).toContain('watermark 2001-03-01T05:05Z (1 min 00 s behind the clock)')
    expect(last({}, { nowMs: 983_423_100_000 - 5000 })).toContain('5.0 s ahead of the clock')
    expect(last({ watermark: -Infinity })).toContain('no watermark yet')
    expect(last({ watermark: 0 })).toMatch(/watermark 1970-01-01T00:00Z {3}back/)
    expect(last({ watermark: Infinity })).toContain('watermark at its end')
  })

  it('shows no lag of input that is all there already', () => {
    expect(text(state({ watermark: -Infinity })).at(-1)).toBe('  backpressure 25 %')
    expect(text(state({ watermark: Infinity })).at(-1)).toContain('all input read')
  })

  it('says of a batch with windows that the time is that of reading, and then that they are finished', () => {
    const window = (more: Partial<StepProgress>): StepProgress =>
      step('hourly', 1_000_000, { kind: 'window-aggregate', stateEntries: 500, watermark: 0, ...more })
    const line = (of: ProgressState): string => paintLine(progressLine(of), plainPalette)
    const reading = state({ steps: [window({})] })
    expect(text(reading)[1]).toMatch(/ {2}25 % {2}6\.0 s to read$/)
    expect(line(reading)).toContain(', 25 %, about 6.0 s to read, ')

    const read = { bytesIn: 159_999_999, watermark: Infinity }
    const finishing = state({ ...read, steps: [window({}), window({ step: 'daily' })] })
    const said = 'finishing the windows of "hourly" and 1 more'
    expect(text(finishing)[1]).toMatch(/100 %$/)
    expect(text(finishing).at(-1)).toBe(`  all input read   ${said}   backpressure 25 %`)
    expect(line(finishing)).toContain(`100 %, all input read, ${said}, `)
    expect(line(finishing)).not.toMatch(/left|to read/)
    const narrow = progressBlock(finishing, { rows: 40, columns: 80 }).map((one) =>
      paintLine(one, plainPalette),
    )
    expect(narrow.at(-1)).toBe('  all input read   finishing windows   backpressure 25 %')

    const done = state({ ...read, steps: [window({ watermark: Infinity })] })
    expect(line(done)).toContain('100 %, all input read, backpressure')
    const phases = { number: 2, of: 2 }
    expect(line(state({ ...read, phase: phases, steps: [window({})] }))).not.toContain('finishing')
  })

  it('names the steps that finish their windows to programs', () => {
    const holding = step('hourly', 5, { kind: 'window-aggregate', stateEntries: 5 })
    const shown = progress({ watermark: Infinity, steps: [holding] })
    const record = (mode: 'batch' | 'continuous', of: JobProgress = shown): object =>
      progressRecord(of, ratesBetween(undefined, of), { life: plainLife, nowMs: 0, mode })
    expect(record('batch')).toHaveProperty('finishing', ['hourly'])
    expect(record('continuous')).not.toHaveProperty('finishing')
    expect(record('batch', progress({ steps: [holding] }))).not.toHaveProperty('finishing')
  })

  it('says that it is stopping', () => {
    expect(text(state({}, { stopping: true }))[0]).toContain('stopping')
  })

  it('says that a commit is tried again, and why', () => {
    const retrying = { step: 'out', reason: 'the share is away', tries: 3 }
    const shown = '"out" could not commit yet (3 times), trying again: the share is away'
    expect(text(state({ retrying }))).toContain(`  ${shown}`)
    expect(paintLine(progressLine(state({ retrying })), plainPalette)).toContain(shown)
    const steps = Array.from({ length: 30 }, (_, at) => step(`step-${at}`, 1))
    expect(text(state({ steps, retrying }), 12)).toHaveLength(text(state({ steps }), 12).length)
  })

  it('says what an output waits for, for how long and why', () => {
    const target = 'table "public"."orders"'
    const wait = { step: 'out', doing: 'preparing', target, reason: 'it is away', sinceMs: 1000 } as const
    const shown = '"out" has waited 6.8 s for table "public"."orders" (preparing): it is away'
    const waits = state({ waiting: [wait] }, { nowMs: 7800 })
    expect(text(waits)).toContain(`  ${shown}`)
    expect(paintLine(progressLine(waits), plainPalette)).toContain(shown)
  })

  it('where there is no room for all steps shows sources and sinks, and then those that people have named', () => {
    const names = ['in', 'a', 'a/columns', 'b', 'c', 'out', 'also-out']
    const steps = names.map((name, at) => ({
      ...step(name, at),
      kind: name === 'in' ? 'source' : name.endsWith('out') ? 'sink' : 'transform',
    }))
    const shown = text(state({ steps }), 11).map((line) => line.trim().split(/\s+/)[0])
    expect(shown.filter((name) => names.includes(name ?? ''))).toEqual(['in', 'a', 'out', 'also-out'])
  })

  it('leaves steps out when there are more than lines, and says how many', () => {
    const steps = Array.from({ length: 30 }, (_, at) => step(`step-${at}`, at))
    const lines = text(state({ steps }), 12)
    expect(lines).toHaveLength(10)
    expect(lines.at(-2)).toBe('  and 25 more steps')
  })

  it('leaves the row of the cursor and one more free, from 9 lines on', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.integer({ min: 9, max: 60 }), (count, rows) => {
        const steps = Array.from({ length: count }, (_, at) => step(`step-${at}`, at))
        expect(text(state({ steps }), rows).length).toBeLessThanOrEqual(rows - 2)
      }),
    )
  })

  describe('on a terminal of 80 columns', () => {
    const shown = (more: Partial<JobProgress>, rest: Partial<ProgressState> = {}): string[] =>
      progressBlock(state(more, rest), { rows: 40, columns: 80 }).map((line) =>
        paintLine(line, plainPalette, 79),
      )
    const kept = { kind: 'window-aggregate', stateEntries: 123_456, stateBytes: 12_345_678 }

    it('shows the state whole', () => {
      const lines = shown({ steps: [step('only-those-that-are-even', 987_654_321, kept)] })
      expect(lines.slice(2, 4)).toEqual([
        '  step                         rows in    rows out rows in/s in state  memory',
        '  only-those-that-are-even 987,654,321 987,654,321     494 M    123 k 12.3 MB',
      ])
    })

    it('leaves out the memory before names are cut, and cuts no late or rejected rows', () => {
      const steps = [step('only-those-that-are-even', 987_654_321, { ...kept, lateRows: 1_234_567 })]
      expect(shown({ steps }).slice(2, 4)).toEqual([
        '  step                      rows in rows out rows in/s in state',
        '  only-those-that-are-even    988 M    988 M     494 M    123 k  1.23 M late',
      ])
    })

    it('shows watermark, lag and backpressure', () => {
      const rest = { mode: 'continuous', nowMs: 983_423_105_123 + 725_000 } as const
      expect(shown({ watermark: 983_423_105_123 }, rest).at(-1)).toBe(
        '  watermark 2001-03-01T05:05:05.123Z (12 min 05 s behind)   backpressure 25 %',
      )
    })

    it('breaks the reason for trying again between words', () => {
      const reason = 'the service answered 503, and after that it did not answer at all for a while'
      expect(shown({ retrying: { step: 'out', reason, tries: 3 } }).slice(2, 4)).toEqual([
        '  "out" could not commit yet (3 times), trying again: the service answered 503,',
        '  and after that it did not answer at all for a while',
      ])
    })
  })

  it('has columns for state from the beginning where a step will keep some', () => {
    const before = text(state({ steps: [step('hourly', 0, { kind: 'window-aggregate' })] }))
    expect(before[2]).toMatch(/ in state {2}memory$/)
  })

  it('cuts nothing but names from 60 columns on', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            name: fc.string({ minLength: 1, maxLength: 40 }),
            rowsIn: fc.nat(2_000_000_000),
            stateEntries: fc.nat(1_000_000),
            lateRows: fc.nat(1_000_000),
          }),
          { minLength: 1, maxLength: 8 },
        ),
        fc.integer({ min: 60, max: 140 }),
        (of, columns) => {
          const steps = of.map(({ name, rowsIn, ...more }) => step(name, rowsIn, more))
          for (const line of progressBlock(state({ steps }), { rows: 40, columns }).slice(2, -1))
            expect(paintLine(line, plainPalette).length).toBeLessThan(columns)
        },
      ),
    )
  })

  it('makes the bar shorter, and at last leaves it out, so that the time left can be read', () => {
    const counters = (columns: number): string =>
      paintLine(progressBlock(state(), { rows: 40, columns })[1] ?? [], plainPalette, columns - 1)
    expect(counters(80)).toBe('  1,000,000 rows  500 k rows/s  20 MB/s  ███▌░░░░░░░░░░  25 %  6.0 s left')
    expect(counters(60)).toBe('  1,000,000 rows  500 k rows/s  20 MB/s  25 %  6.0 s left')
  })

  it('is never wider than the terminal, with and without colours', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 120 }), (width) => {
        for (const line of progressBlock(state(), { rows: 40, columns: width })) {
          expect(paintLine(line, plainPalette, width).length).toBeLessThanOrEqual(width)
          const painted = paintLine(line, colorPalette, width)
          // eslint-disable-next-line no-control-regex
          expect(painted.replace(/\u001B\[\d+m/g, '').length).toBeLessThanOrEqual(width)
        }
      }),
    )
  })
})

describe('the line for logs', () => {
  it('holds the same on one line', () => {
    expect(paintLine(progressLine(state()), plainPalette)).toBe(
      'flight-delays: 1,000,000 rows in, 500 k rows/s, 20 MB/s, 5,000 rows out, 25 %, about 6.0 s left, ' +
        'event time 2001-03-01T05:05Z, backpressure 25 %',
    )
  })
})

describe('a bar', () => {
  it('has its width at every share', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1, max: 2, noNaN: true }),
        fc.integer({ min: 1, max: 50 }),
        (share, width) => {
          expect(
            bar(share, width)
              .map((one) => one.text)
              .join(''),
          ).toHaveLength(width)
        },
      ),
    )
  })

  it('is empty at 0 and full at 1', () => {
    expect(
      bar(0, 4)
        .map((one) => one.text)
        .join(''),
    ).toBe('░░░░')
    expect(
      bar(1, 4)
        .map((one) => one.text)
        .join(''),
    ).toBe('████')
    expect(
      bar(0.53, 4)
        .map((one) => one.text)
        .join(''),
    ).toBe('██▏░')
  })
})

describe('rates', () => {
  it('are those since the start while a run is young: rows that came before the first frame count', () => {
    const window = new RateWindow()
    window.add(progress({ elapsedMs: 100, rowsIn: 1000, steps: [step('a', 1000), step('b', 0)] }))
    const rates = window.add(
      progress({ elapsedMs: 200, rowsIn: 1000, steps: [step('a', 1000), step('b', 1000)] }),
    )
    expect([rates.rowsIn, rates.steps.get('a'), rates.steps.get('b')]).toEqual([5000, 5000, 5000])
  })

  it('of one frame are all over one and the same time', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 2, maxLength: 20 }), (spans) => {
        const window = new RateWindow()
        let at = 0
        for (const span of spans) {
          at += span
          // Everything grows as one: so do all rates, whatever the span they are over.
          const rows = Math.floor(at ** 1.5)
          const steps = [step('a', rows), step('b', rows)]
          const rates = window.add(
            progress({ elapsedMs: at, rowsIn: rows, bytesIn: rows, rowsOut: rows, steps }),
          )
          const all = [rates.bytesIn, rates.rowsOut, rates.steps.get('a'), rates.steps.get('b')]
          expect(all).toEqual(all.map(() => rates.rowsIn))
        }
      }),
    )
  })

  it('are counted over the last seconds, not since the start', () => {
    const window = new RateWindow()
    window.add(progress({ elapsedMs: 1000, rowsIn: 0 }))
    window.add(progress({ elapsedMs: 2000, rowsIn: 1_000_000 }))
    window.add(progress({ elapsedMs: 6000, rowsIn: 1_000_000 }))
    expect(window.add(progress({ elapsedMs: 7000, rowsIn: 1_000_500 })).rowsIn).toBeCloseTo(100)
  })

  it('of backpressure are those of the window', () => {
    const earlier = progress({ elapsedMs: 1000, backpressure: 1 })
    const later = progress({ elapsedMs: 2000, backpressure: 0.5 })
    expect(ratesBetween(earlier, later).backpressure).toBe(0)
  })

  it('are 0 when no time has passed', () => {
    expect(ratesBetween(undefined, progress({ elapsedMs: 0 })).rowsIn).toBe(0)
  })

  it('give the share and the time left by bytes, else by rows, else not at all', () => {
    const byRows = progress({ bytesTotal: undefined, rowsTotal: 4_000_000 })
    const unknown = progress({ bytesTotal: undefined })
    expect(shareDone(progress())).toBe(0.25)
    expect(shareDone(byRows)).toBe(0.25)
    expect(shareDone(unknown)).toBeUndefined()
    expect(remainingMs(byRows, ratesBetween(undefined, byRows))).toBe(6000)
    expect(remainingMs(unknown, ratesBetween(undefined, unknown))).toBeUndefined()
    expect(remainingMs(progress(), ratesBetween(undefined, progress({ bytesIn: 0 })))).toBeUndefined()
  })
})

describe('the screen', () => {
  it('draws over the lines that it drew before', () => {
    expect(redraw(0, ['a', 'b'])).toBe('a\u001B[K\nb\u001B[K\n\u001B[J')
    expect(redraw(2, ['c'])).toBe('\r\u001B[2Ac\u001B[K\n\u001B[J')
  })

  it('puts printed text above, hides the cursor while it draws, and leaves nothing behind', () => {
    const written: string[] = []
    const output = {
      write: (bytes: string) => void written.push(bytes),
      isTerminal: true,
      size: () => ({ columns: 20, rows: 10 }),
    }
    const screen = new Screen(output, plainPalette)
    screen.draw([[{ text: 'one', role: 'plain' }]])
    screen.around(() => written.push('printed\n'))
    screen.close()
    screen.close()
    expect(written).toEqual([
      '\u001B[?25lone\u001B[K\n\u001B[J',
      '\r\u001B[1A\u001B[J',
      'printed\n',
      'one\u001B[K\n\u001B[J',
      '\r\u001B[1A\u001B[J\u001B[?25h',
    ])
  })

  it('never draws more lines than the terminal has', () => {
    const written: string[] = []
    const output = {
      write: (bytes: string) => void written.push(bytes),
      isTerminal: true,
      size: () => ({ columns: 20, rows: 3 }),
    }
    new Screen(output, plainPalette).draw(
      ['a', 'b', 'c', 'd'].map((letter) => [{ text: letter, role: 'plain' }]),
    )
    expect(written.join('')).not.toContain('c')
  })
})

describe('JSON lines', () => {
  const parse = (record: object): Record<string, unknown> =>
    JSON.parse(jsonLine(record)) as Record<string, unknown>

  it('hold the counters, and watermarks that JSON can hold', () => {
    const line = parse(progressRecord(progress(), ratesBetween(undefined, progress())))
    expect(line).toMatchObject({ type: 'progress', rowsIn: 1_000_000, watermark: 983_423_100_000 })
    expect(line['steps']).toMatchObject([{ step: 'flights', watermark: null }, { step: 'out' }])
    expect(line['rates']).toMatchObject({ rowsIn: 500_000 })
  })

  it('end with how the run ended', () => {
    expect(parse(endRecord({ end: 'idle', progress: progress({ watermark: Infinity }) }))).toMatchObject({
      type: 'end',
      end: 'idle',
      watermark: 'end',
    })
  })

  it('end with the error, also one that nobody foresaw', () => {
    expect(parse(errorRecord(new TypeError('odd')))).toEqual({ type: 'error', code: null, message: 'odd' })
  })
})
