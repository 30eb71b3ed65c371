/**
 * `npm run chaos -- --runs 200 [--seed 1] [--at-once 2] [--sink files]`: trials one after the other, and what came of them.
 * Sinks are files, http, postgres-append, postgres-upsert, sqlite-append and sqlite-upsert. With `--kill-server` the
 * server of PostgreSQL is killed together with each process; then one trial runs at a time.
 */
import { parseArgs } from 'node:util'
import { DatabaseTargets } from './database-target.ts'
import { scenarioOf } from './scenario.ts'
import type { Scenario, SinkKind } from './scenario.ts'
import { serviceTarget } from './service-target.ts'
import { sqliteTarget } from './sqlite-target.ts'
import { trial } from './trial.ts'
import type { Outcome, Target } from './trial.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    'at-once': { type: 'string', default: '2' },
    sink: { type: 'string', default: 'files' },
    'kill-server': { type: 'boolean', default: false },
  },
})
const runs = Number(values.runs)
const first = Number(values.seed)
const sink = values.sink as SinkKind
const databases = sink.startsWith('postgres') ? await DatabaseTargets.start() : undefined
let next = first
const totals = { rows: 0, killed: 0, lost: 0, repeated: 0, trouble: 0 }

function show({ scenario, rows, killed, epochs, lost, repeated, trouble }: Outcome): void {
  const { seed, mode, shape, follow, format, roll, partition, epochMs, trigger, maxRows } = scenario
  const files = [
    format,
    roll === 0 ? 'rolls with epochs' : `rolls at ${roll} bytes`,
    ...(partition === '' ? [] : [`by ${partition}`]),
  ]
  const what = [
    mode,
    shape,
    follow,
    ...(scenario.sink === 'files' ? files : [scenario.sink]),
    ...(mode === 'continuous' ? [`epochs of ${epochMs} ms`] : []),
    ...(mode === 'micro-batch' ? [trigger, maxRows === 0 ? 'no limit' : `${maxRows} rows at most`] : []),
  ].join(', ')
  console.log(
    `seed ${seed}: ${what}: ${killed} killed behind epoch ${epochs.killedBehind} of ${epochs.last}, ${rows} rows, ${lost} lost, ${repeated} repeated`,
  )
  for (const text of trouble) console.log(`  ${text.replaceAll('\n', '\n  ')}`)
}

async function targetOf(scenario: Scenario): Promise<Target | undefined> {
  if (sink === 'http') return serviceTarget(scenario)
  if (sink.startsWith('sqlite')) return sqliteTarget(scenario)
  return databases?.target(scenario, { killsServer: values['kill-server'] })
}

async function work(): Promise<void> {
  while (next < first + runs) {
    const scenario = scenarioOf(next++, sink)
    const outcome = await trial(scenario, await targetOf(scenario))
    totals.rows += outcome.rows
    totals.killed += outcome.killed
    totals.lost += outcome.lost
    totals.repeated += outcome.repeated
    totals.trouble += outcome.trouble.length
    show(outcome)
  }
}

await Promise.all(Array.from({ length: values['kill-server'] ? 1 : Number(values['at-once']) }, work))
await databases?.stop()
const { rows, killed, lost, repeated, trouble } = totals
console.log(`${runs} runs, ${killed} kills, ${rows} rows: ${lost} lost, ${repeated} repeated`)
process.exitCode = lost + repeated + trouble === 0 ? 0 : 1
