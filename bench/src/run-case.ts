/**
 * Runs one case in this process and prints what it cost as a line of JSON: `node run-case.js NAME [SCALE [EVENT_RATE]]`.
 */
import { allCases } from './all-cases.ts'
import type { Answers } from './case.ts'
import { removeOutput } from './bench-folder.ts'

/** What a run cost. */
export interface CaseResult {
  readonly name: string
  readonly unit: string
  readonly units: number
  readonly rowsOut: number
  readonly wallSeconds: number
  /** User plus system time of the whole process, all threads. */
  readonly cpuSeconds: number
  /** Million units per CPU-second. */
  readonly rate: number
  readonly peakMemoryMb: number
  readonly extra: { readonly [name: string]: number }
  readonly answers: Answers
}

const [name, scale = '1', eventRate] = process.argv.slice(2)
const found = allCases.find((candidate) => candidate.name === name)
if (found === undefined) throw new Error(`no benchmark is named ${name}`)
if (found.fixed === true && scale !== '1') throw new Error(`${found.name} cannot be scaled`)
if (found.eventRate === undefined && eventRate !== undefined)
  throw new Error(`${found.name} generates no events`)
const start = process.hrtime.bigint()
const run = await found.run(Number(scale), eventRate === undefined ? undefined : Number(eventRate))
const wallSeconds = Number(process.hrtime.bigint() - start) / 1e9
const { user, system } = process.cpuUsage()
const cpuSeconds = run.extra?.['cpuSeconds'] ?? (user + system) / 1e6
const peakMemoryMb = process.resourceUsage().maxRSS / 1024
const answers = (await run.answers?.()) ?? {}
const result: CaseResult = {
  name: found.name,
  unit: found.unit,
  units: run.units,
  rowsOut: run.rowsOut,
  wallSeconds,
  cpuSeconds,
  rate: run.units / cpuSeconds / 1e6,
  peakMemoryMb,
  extra: run.extra ?? {},
  answers,
}
process.stdout.write(`${JSON.stringify(result)}\n`)
removeOutput()
