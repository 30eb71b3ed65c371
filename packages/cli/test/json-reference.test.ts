// docs/reference/cli.md names every member of the JSON lines. The compiler says when an example here lacks a new one.
import { readFileSync } from 'node:fs'
import { MillraceError } from '@millrace/core/errors'
import type { JobProgress, JobStart, StartCheck, StepFit, StepProgress } from '@millrace/core/runtime'
import { describe, expect, it } from 'vitest'
import { plainLife } from '../src/progress/job-notices.ts'
import { endRecord, errorRecord, progressRecord } from '../src/progress/json-lines.ts'
import { ratesBetween } from '../src/progress/rates.ts'

const page = readFileSync(new URL('../../../docs/reference/cli.md', import.meta.url), 'utf8')
const [, section = ''] = page.split('\n## JSON lines\n')
const [lines = ''] = section.split('\n## ')

/** Every member, also those that are left out where there is nothing to tell. */
type Complete<Value> = Value extends (...parts: never[]) => unknown
  ? Value
  : Value extends readonly (infer Member)[]
    ? readonly Complete<Member>[]
    : Value extends object
      ? { readonly [Name in keyof Value]-?: Complete<Exclude<Value[Name], undefined>> }
      : Value

const window: Complete<StepProgress> = {
  step: 'hourly',
  kind: 'window-aggregate',
  rowsIn: 1,
  rowsOut: 1,
  lateRows: 1,
  rejectedRows: 1,
  stateEntries: 1,
  pendingTimers: 1,
  waitingRows: 1,
  stateBytes: 1,
  watermark: 0,
}

const progress: Complete<JobProgress> = {
  elapsedMs: 1,
  cpuMs: 1,
  rowsIn: 1,
  bytesIn: 1,
  bytesTotal: 1,
  rowsTotal: 1,
  rowsOut: 1,
  bytesOut: 1,
  rowsLate: 1,
  rowsRejected: 1,
  watermark: Infinity,
  backpressure: 0,
  epoch: 1,
  phase: { number: 1, of: 2 },
  lastEpoch: {
    epoch: 1,
    alignMs: 1,
    copyMs: 1,
    writeMs: 1,
    publishMs: 1,
    commitMs: 1,
    stateBytes: 1,
    deliveredAtMs: 1,
  },
  retrying: { step: 'out', reason: 'away', tries: 1 },
  waiting: [{ step: 'out', doing: 'committing', target: 'a table', reason: 'away', sinceMs: 1 }],
  notices: [{ step: 'log', text: 'gone' }],
  steps: [window],
}

const fit: Complete<StepFit> = {
  step: 'hourly',
  verdict: 'converts',
  changes: [{ kind: 'widens', state: 'sum', before: 'int32', after: 'int64' }],
}

const start: Complete<JobStart> = {
  kind: 'resume',
  attempt: 2,
  epoch: 1,
  phases: { done: 1, of: 2, tasks: 1, outputMode: 'append' },
  committedAgain: 0,
  changes: [fit],
  tables: ['planes'],
  tableEpochs: [{ table: 'planes', epoch: 1, atMs: 1 }],
}

const failure = new MillraceError('input/undecodable', {
  what: 'w',
  detail: 'd',
  hint: 'h',
  step: 's',
  place: { name: 'p' },
  cause: new Error('c'),
})
const failures = [{ number: 1, atMs: 1, error: failure }]

const check: Complete<Omit<StartCheck, 'owner' | 'refusals'>> = {
  place: '.state',
  kind: 'resume',
  epoch: 1,
  atMs: 1,
  end: 'stopped',
  mode: 'continuous',
  phases: { done: 1, of: 2 },
  isBranch: true,
  owes: [{ step: 'out', epoch: 1 }],
  moved: [{ step: 'out', epoch: 1, before: 'a', now: 'b' }],
  repeats: [{ epoch: 1, atMs: 1, rows: {} }],
  stands: [{ step: 'out', target: 'out', files: [{ begins: 'part-', contains: '-1.' }] }],
  steps: [fit],
  tables: ['planes'],
  tableEpochs: [{ table: 'planes', epoch: 1, atMs: 1 }],
  readsAgain: ['orders'],
  firesAgain: ['hourly'],
}

const { phase: _, ...unphased } = progress
const life = { ...plainLife, failures }
const running = [progress, unphased].map((shown) =>
  progressRecord(shown, ratesBetween(undefined, shown), { life, nowMs: 2, mode: 'batch' }),
)
const ended = endRecord({ end: 'stopped', progress: { ...progress, watermark: 0 }, start }, failures)

/** What tables of the page say of the fields of a line. */
const documented = {
  progress: tables('Counters, of `progress` and `end`', 'Only of `progress`'),
  end: tables('Counters, of `progress` and `end`', 'Only of `end`'),
  check: tables('`millrace check --json` writes one'),
}

describe('the reference of the JSON lines', () => {
  it.each([
    ['progress', Object.assign({}, ...running) as object],
    ['end', ended],
    ['check', { ...check, owner: {}, refusals: [] }],
  ] as const)('names every member of the line %s, and none that is not there', (type, record) => {
    const { type: _type, ...fields } = record as { readonly type?: string }
    expect([...documented[type].keys()].toSorted(byText)).toEqual(Object.keys(fields).toSorted(byText))
    for (const [name, value] of Object.entries(fields)) {
      const missing = membersOf(value).filter((member) => !named(documented[type].get(name), member))
      expect([name, missing]).toEqual([name, []])
    }
  })

  it('names every member of the line of an error', () => {
    const row = lines.split('\n').find((line) => line.startsWith('| `error` '))
    expect(Object.keys(errorRecord(failure)).filter((name) => name !== 'type' && !named(row, name))).toEqual(
      [],
    )
  })
})

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Each field with what the row that names it says. */
function tables(...beginnings: readonly string[]): ReadonlyMap<string, string> {
  const rows = beginnings.flatMap((beginning) => {
    const [, behind = ''] = lines.split(`\n${beginning}`)
    return (behind.split('\n\n')[1] ?? '').split('\n').slice(2)
  })
  const cells = rows.map((row) => row.split(' | '))
  return new Map(
    cells.flatMap(([names = '', text = '']) =>
      [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => [name, text] as const),
    ),
  )
}

function named(text: string | undefined, member: string): boolean {
  return text?.includes(`\`${member}\``) === true
}

/** The members of an object, or of the objects of a list: one level, as the page names them. */
function membersOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(membersOf)
  return typeof value === 'object' && value !== null ? Object.keys(value) : []
}
