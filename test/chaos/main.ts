/**
 * `npm run chaos -- --runs 200 [--seed 1] [--at-once 2] [--sink files]`: trials one after the other, and what came of them.
 * Without `--sink` they write to each kind of sink in turns: files, http, postgres-append, postgres-upsert, sqlite-append
 * and sqlite-upsert. With `--kill-server` they write to PostgreSQL, whose server is killed together with each process;
 * then one trial runs at a time.
 */
import { parseArgs } from 'node:util'
import { whyNoServer } from '../../packages/connector-postgres/test/postgres-server.ts'
import { DatabaseTargets } from './database-target.ts'
import { scenarioOf, sinkKinds } from './scenario.ts'
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
    sink: { type: 'string' },
    'kill-server': { type: 'boolean', default: false },
  },
})
const runs = Number(values.runs)
const first = Number(values.seed)
const sinks = chosenSinks()
const databases = sinks.some(isInPostgres) ? await DatabaseTargets.start() : undefined
let next = first
const totals = { rows: 0, killed: 0, lost: 0, repeated: 0, trouble: 0 }
/** Trials by mode and sink. */
const tried = new Map<string, number>()

function isInPostgres(kind: SinkKind): boolean {
  return kind.startsWith('postgres')
}

function chosenSinks(): readonly SinkKind[] {
  const { sink } = values
  if (sink !== undefined) {
    const kind = sinkKinds.find((known) => known === sink)
    if (kind === undefined) throw new Error(`--sink is one of ${sinkKinds.join(', ')}, not ${sink}`)
    return [kind]
  }
  if (values['kill-server']) return sinkKinds.filter(isInPostgres)
  if (whyNoServer === undefined) return sinkKinds
  console.log(`no trial writes to PostgreSQL: ${whyNoServer}`)
  return sinkKinds.filter((kind) => !isInPostgres(kind))
}

function show({ scenario, rows, killed, epochs, lost, repeated, trouble }: Outcome): void {
  const { seed, mode, shape, follow, format, gzip, roll, rollMs, partition, epochMs, trigger, maxRows } =
    scenario
  const files = [
    gzip ? `${format}, gzip` : format,
    rollMs > 0 ? `rolls after ${rollMs} ms` : roll === 0 ? 'rolls with epochs' : `rolls at ${roll} bytes`,
    ...(partition === '' ? [] : [`by ${partition}`]),
  ]
  const what = [
    mode,
    shape,
    follow,
    `state in a ${scenario.state}`,
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
  const { sink } = scenario
  if (sink === 'http') return serviceTarget(scenario)
  if (sink.startsWith('sqlite')) return sqliteTarget(scenario)
  if (isInPostgres(sink)) return databases?.target(scenario, { killsServer: values['kill-server'] })
  return undefined
}

async function work(): Promise<void> {
  while (next < first + runs) {
    const seed = next++
    const scenario = scenarioOf(seed, sinks[seed % sinks.length])
    const kind = `${scenario.mode}, ${scenario.sink}`
    tried.set(kind, (tried.get(kind) ?? 0) + 1)
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
for (const kind of [...tried.keys()].toSorted((a, b) => (a < b ? -1 : 1)))
  console.log(`${kind}: ${tried.get(kind)} runs`)
const { rows, killed, lost, repeated, trouble } = totals
console.log(`${runs} runs, ${killed} kills, ${rows} rows: ${lost} lost, ${repeated} repeated`)
process.exitCode = lost + repeated + trouble === 0 ? 0 : 1
