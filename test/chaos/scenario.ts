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
  /** Behind so many entries that it adds to the log of its job: the first is its takeover. 0: from its start on. */
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
  readonly shape: 'pass' | 'total' | 'window' | 'session' | 'join'
  /** What is read: one file that grows, files that appear, or rows that are made at a rate. */
  readonly follow: 'lines' | 'files' | 'rate'
  readonly format: 'ndjson' | 'csv' | 'parquet'
  readonly gzip: boolean
  /** Bytes of a file, and milliseconds; both 0: files end with every epoch. */
  readonly roll: number
  readonly rollMs: number
  readonly partition: string
  readonly epochMs: number
  /** Lines of input, by what is written between two starts. */
  readonly portions: readonly (readonly Payment[])[]
  /** By start. */
  readonly kills: readonly Kill[]
  /** Tasks per stage of each start; the last is that of the run that may end. */
  readonly parallelism: readonly number[]
  /** Where the state is. */
  readonly state: 'directory' | 'bucket'
}

/** Draws a trial. */
export function scenarioOf(seed: number, sink: SinkKind = 'files'): Scenario {
  const draw = drawFrom(seed)
  const mode =
    (['batch', 'continuous', 'continuous', 'micro-batch', 'micro-batch'] as const)[draw(5)] ?? 'batch'
  const shape = (['pass', 'total', 'window'] as const)[draw(3)] ?? 'pass'
  const starts = 3 + draw(4)
  const rows = mode === 'batch' ? 20_000 : 40 * (2 + draw(20))
  const drawn: Omit<Scenario, 'kills' | keyof Besides> = {
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
  const kills = Array.from({ length: starts }, (_, at) => killOf(draw(1100), isShort, at === 0))
  // Before its takeover, while it looks at what is there.
  if (draw(2) === 0) kills[1 + draw(starts - 1)] = { entries: 0, delayMs: draw(1200) }
  return withRate({ ...drawn, ...besides(draw, drawn), kills })
}

type Besides = Pick<Scenario, 'gzip' | 'rollMs' | 'state'>

/** What was left out above: other shapes and formats, files that roll by time, state in a bucket, rows at a rate. */
function besides(
  draw: Draw,
  { mode, shape, follow, format, roll }: Pick<Scenario, 'mode' | 'shape' | 'follow' | 'format' | 'roll'>,
): Besides & Pick<Scenario, 'shape' | 'follow' | 'format'> {
  const other = ([undefined, undefined, 'session', 'join'] as const)[draw(4)] ?? shape
  const written = draw(3) === 0 ? 'parquet' : format
  const isTimed = other === 'window' || other === 'session'
  return {
    shape: other,
    // Rows at a rate have the time at which they are made; a batch of them would take as long.
    follow: draw(4) === 0 && mode !== 'batch' && !isTimed ? 'rate' : other === 'total' ? 'lines' : follow,
    format: written,
    gzip: written !== 'parquet' && draw(3) === 0,
    rollMs: roll === 0 && draw(2) === 0 ? 50 + draw(500) : 0,
    state: draw(3) === 0 ? 'bucket' : 'directory',
  }
}

/** Rows that are made at a rate follow from their numbers. */
function withRate(scenario: Scenario): Scenario {
  const { follow, portions } = scenario
  if (follow !== 'rate') return scenario
  return { ...scenario, portions: portions.map((portion) => portion.map(({ id }) => paymentOf(id))) }
}

/** The row with a number, where rows are made at a rate. */
export function paymentOf(id: number): Payment {
  return { id, account: `a${(id * 7) % 12}`, at: FIRST_MS + id * 50, amount: ((id * 37) % 1000) - 200 }
}

/** The first kill of a job that goes on comes when some of its epochs stand. */
function killOf(draw: number, isShort: boolean, isFirst: boolean): Kill {
  const most = isShort ? 3 : 12
  const entries = isShort && isFirst ? 2 : isFirst ? 4 + (draw % 8) : 1 + (draw % most)
  if (isShort && isFirst) return { entries, delayMs: 0 }
  return { entries, delayMs: Math.floor(draw / most) % (isShort ? 12 : 40) }
}

/** Whether epochs go on for as long as the process lives. */
export function goesOn({ mode, trigger, follow }: Scenario): boolean {
  if (follow === 'rate') return false
  return mode === 'continuous' || (mode === 'micro-batch' && trigger.endsWith('ms'))
}

const FIRST_MS = 1_700_000_000_000

function paymentsOf(draw: Draw, rows: number, portions: number): readonly (readonly Payment[])[] {
  const result: Payment[][] = Array.from({ length: portions }, () => [])
  for (let id = 0; id < rows; id++) {
    const at = FIRST_MS + id * 50 - draw(1900)
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
  const { sink, shape, follow, format, gzip, roll, rollMs, partition, portions } = scenario
  const values = {
    shape,
    follow,
    made: portions.flat().length,
    format,
    gzip,
    roll,
    'roll-ms': rollMs,
    partition,
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
  switch (shape) {
    case 'pass':
      return payments.map((row) => textOf(row)).toSorted()
    case 'join':
      return payments.map((row) => textOf({ ...row, holder: holderOf(row.account) })).toSorted()
    case 'total':
      return totalsOf(payments).toSorted()
    case 'window':
      return windowsOf(payments).toSorted()
    case 'session':
      return sessionsOf(payments).toSorted()
  }
}

/** The accounts, and who holds them. */
export const accounts: readonly { readonly account: string; readonly holder: string }[] = Array.from(
  { length: 12 },
  (_, n) => ({ account: `a${n}`, holder: holderOf(`a${n}`) }),
)

function holderOf(account: string): string {
  return `holder of ${account}`
}

/** A row of the output as text, whatever the order of its columns. */
export function textOf(row: object): string {
  return Object.entries(row)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ')
}

/** Times of the output are text, or objects. */
export function timesAsNumbers(row: object): object {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) =>
      value instanceof Date
        ? [name, value.getTime()]
        : typeof value === 'string' && /^\d{4}-\d\d-\d\d[T ]/.test(value)
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
    textOf({ account, windowStart: start, windowEnd: start + 5000, ...sumsOf(amounts) }),
  )
}

/** The gap of sessions; a row exactly one gap later still belongs. */
export const GAP_MS = 900

function sessionsOf(payments: readonly Payment[]): string[] {
  const sessions: { account: string; start: number; last: number; amounts: number[] }[] = []
  for (const { account, at, amount } of payments.toSorted((a, b) => a.at - b.at)) {
    const open = sessions.findLast((session) => session.account === account)
    if (open === undefined || at - open.last > GAP_MS)
      sessions.push({ account, start: at, last: at, amounts: [amount] })
    else {
      open.last = at
      open.amounts.push(amount)
    }
  }
  return sessions.map(({ account, start, last, amounts }) =>
    textOf({ account, windowStart: start, windowEnd: last + GAP_MS, ...sumsOf(amounts) }),
  )
}

function sumsOf(amounts: readonly number[]): object {
  const total = amounts.reduce((sum, amount) => sum + amount, 0)
  return { payments: amounts.length, total, most: Math.max(...amounts) }
}
