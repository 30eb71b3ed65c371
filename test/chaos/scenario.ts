/** What a trial does, all of it drawn from one seed: the input, the pipeline, and when it is killed. Also the answer. */

/** Whole numbers from 0 up to and without `below`. */
type Draw = (below: number) => number

/** The draws of a seed. */
function drawFrom(seed: number): Draw {
  let state = Math.imul(seed, 2_654_435_761) | 1
  return (below) => {
    // xorshift32 (Marsaglia, Xorshift RNGs, 2003)
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** A row of the input. */
export interface Payment {
  readonly id: number
  readonly account: string
  readonly at: number
  readonly amount: number
}

/** Where the results of a trial may go. */
export const sinkKinds = [
  'files',
  'http',
  'postgres-append',
  'postgres-upsert',
  'sqlite-append',
  'sqlite-upsert',
] as const

export type SinkKind = (typeof sinkKinds)[number]

/** When a process is killed. */
export interface Kill {
  /** Behind so many entries that it adds to the log of its job: the first is its takeover. */
  readonly entries: number
  /** And so long after that. */
  readonly delayMs: number
}

/** One trial. */
export interface Scenario {
  readonly seed: number
  /** What is written to; options of files count for files only. */
  readonly sink: SinkKind
  readonly mode: 'continuous' | 'micro-batch' | 'batch'
  /** Micro-batch: what starts epochs in processes that are killed; the last one runs by interval, to drain. */
  readonly trigger: string
  /** Micro-batch: rows that an epoch reads, at most; 0: all. */
  readonly maxRows: number
  readonly shape: 'pass' | 'total' | 'window'
  readonly follow: 'lines' | 'files'
  readonly format: 'ndjson' | 'csv'
  readonly roll: number
  readonly partition: string
  readonly epochMs: number
  /** Lines of input, by what is written between two starts. */
  readonly portions: readonly (readonly Payment[])[]
  /** By start. */
  readonly kills: readonly Kill[]
  /** Tasks per stage of each start; the last is that of the run that may end. */
  readonly parallelism: readonly number[]
}

/** Draws a trial. */
export function scenarioOf(seed: number, sink: SinkKind = 'files'): Scenario {
  const draw = drawFrom(seed)
  const mode =
    (['batch', 'continuous', 'continuous', 'micro-batch', 'micro-batch'] as const)[draw(5)] ?? 'batch'
  const shape = (['pass', 'total', 'window'] as const)[draw(3)] ?? 'pass'
  const starts = 3 + draw(4)
  const rows = mode === 'batch' ? 20_000 : 40 * (2 + draw(20))
  const drawn: Omit<Scenario, 'kills'> = {
    seed,
    sink,
    mode,
    shape,
    // Totals depend on the order of rows, and that is one only within a file.
    follow: mode !== 'batch' && shape !== 'total' && draw(2) === 0 ? 'files' : 'lines',
    format: draw(2) === 0 ? 'ndjson' : 'csv',
    roll: draw(2) === 0 ? 0 : 2000 + draw(20_000),
    partition: draw(3) === 0 ? 'account' : '',
    epochMs: [10, 30, 100, 300][draw(4)] ?? 100,
    portions: paymentsOf(draw, rows, mode === 'batch' ? 1 : starts + 1),
    parallelism: Array.from({ length: starts + 1 }, () => (shape === 'total' ? 1 + draw(2) : 1 + draw(3))),
    trigger: ['30ms', '200ms', 'available-now', 'once'][draw(4)] ?? '200ms',
    maxRows: draw(2) === 0 ? 0 : 5 + draw(200),
  }
  // Runs that end by themselves have few entries.
  const isShort = mode === 'batch' || (mode === 'micro-batch' && !drawn.trigger.endsWith('ms'))
  return {
    ...drawn,
    kills: Array.from({ length: starts }, (_, at) => killOf(draw(1100), isShort, at === 0)),
  }
}

/** The first kill of a job that goes on comes when some of its epochs stand. */
function killOf(draw: number, isShort: boolean, isFirst: boolean): Kill {
  const most = isShort ? 3 : 12
  const entries = isShort && isFirst ? 2 : isFirst ? 4 + (draw % 8) : 1 + (draw % most)
  return { entries, delayMs: isShort ? 0 : Math.floor(draw / most) % 40 }
}

/** Whether epochs go on for as long as the process lives. */
export function goesOn({ mode, trigger }: Scenario): boolean {
  return mode === 'continuous' || (mode === 'micro-batch' && trigger.endsWith('ms'))
}

function paymentsOf(draw: Draw, rows: number, portions: number): readonly (readonly Payment[])[] {
  const result: Payment[][] = Array.from({ length: portions }, () => [])
  for (let id = 0; id < rows; id++) {
    const at = 1_700_000_000_000 + id * 50 - draw(1900)
    const payment = { id, account: `a${draw(12)}`, at, amount: draw(1000) - 200 }
    result[Math.floor((id * portions) / rows)]?.push(payment)
  }
  return result
}

/** The settings of the pipeline module. */
export function settingsOf(
  scenario: Scenario,
  paths: { readonly input: string; readonly output: string },
  more: Readonly<Record<string, string>>,
): readonly string[] {
  const { input, output } = paths
  const { sink, shape, follow, format, roll, partition } = scenario
  const values = {
    shape,
    follow,
    format,
    roll,
    partition: shape === 'pass' || partition === '' ? partition : 'account',
    input,
    output,
    sink,
    ...more,
  }
  return Object.entries(values).flatMap(([name, value]) => ['--set', `${name}=${value}`])
}

/** The rows that the output has at the end, each as text, computed without the engine. */
export function answerOf({ shape, portions }: Scenario): readonly string[] {
  const payments = portions.flat()
  if (shape === 'pass') return payments.map((row) => textOf(row)).toSorted()
  if (shape === 'total') return totalsOf(payments).toSorted()
  return windowsOf(payments).toSorted()
}

/** A row of the output as text, whatever the order of its columns. */
export function textOf(row: object): string {
  return Object.entries(row)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ')
}

/** Times of the output are text. */
export function timesAsNumbers(row: object): object {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) =>
      typeof value === 'string' && /^\d{4}-\d\d-\d\d[T ]/.test(value)
        ? [name, Date.parse(`${value.replace(' ', 'T').replace(/Z$/, '')}Z`)]
        : [name, value as unknown],
    ),
  )
}

function totalsOf(payments: readonly Payment[]): string[] {
  const accounts = new Map<string, { payments: number; total: number }>()
  return payments.map(({ id, account, amount }) => {
    const kept = accounts.get(account) ?? { payments: 0, total: 0 }
    kept.payments++
    kept.total += amount
    accounts.set(account, kept)
    return textOf({ id, account, ...kept })
  })
}

function windowsOf(payments: readonly Payment[]): string[] {
  const windows = new Map<string, { account: string; start: number; amounts: number[] }>()
  for (const { account, at, amount } of payments) {
    const start = Math.floor(at / 5000) * 5000
    const key = `${account} ${start}`
    const window = windows.get(key) ?? { account, start, amounts: [] }
    window.amounts.push(amount)
    windows.set(key, window)
  }
  return Array.from(windows.values(), ({ account, start, amounts }) =>
    textOf({
      account,
      windowStart: start,
      windowEnd: start + 5000,
      payments: amounts.length,
      total: amounts.reduce((sum, amount) => sum + amount, 0),
      most: Math.max(...amounts),
    }),
  )
}
