/** Runs one scenario with real processes and real kills, and looks at what the output shows after each. */
import { spawn } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rowsOfFiles } from './file-output.ts'
import { answerOf, settingsOf } from './scenario.ts'
import type { Kill, Payment, Scenario } from './scenario.ts'
import { BucketState, DirectoryState } from './trial-state.ts'
import type { TrialState } from './trial-state.ts'

const bin = fileURLToPath(new URL('../../packages/millrace/bin/millrace.js', import.meta.url))
const module = fileURLToPath(new URL('pipeline.ts', import.meta.url))

/** What came of a trial. */
export interface Outcome {
  readonly scenario: Scenario
  readonly rows: number
  /** Processes that were killed while they ran. */
  readonly killed: number
  /** The newest epoch that stood at any kill, and at the end; 0: none. */
  readonly epochs: { readonly killedBehind: number; readonly last: number }
  /** Rows of the answer that the output lacks at the end. */
  readonly lost: number
  /** Rows that the output had too often, or that are not of the answer, at any time. */
  readonly repeated: number
  /** What else went wrong: a start that failed, a process that did not end. */
  readonly trouble: readonly string[]
}

/** Where the results of a trial go, if not into files. */
export interface Target {
  readonly settings: Readonly<Record<string, string>>
  readonly environment: Readonly<Record<string, string>>
  /** Rows that a reader finds, as text. */
  rows(): Promise<readonly string[]>
  /** What is killed together with each process, and revived before the next start. */
  kill?(): Promise<void>
  revive?(): Promise<void>
  remove(): Promise<void>
}

/** The longest that a run may take that is not killed. */
const RUN_MAX_MS = 120_000
/** How often the log is looked at. */
const LOOK_MS = 2
/** A process that adds nothing to the log for so long, behind its takeover, has nothing to do: it is killed so. */
const IDLE_MS = 1500

/** Runs a trial in a directory of its own, which stays when something went wrong. */
export async function trial(scenario: Scenario, target?: Target): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-chaos-'))
  const input = join(folder, 'in')
  const output = join(folder, 'out')
  mkdirSync(input)
  const answer = answerOf(scenario)
  const trouble: string[] = []
  const state =
    scenario.state === 'bucket' ? await BucketState.start() : new DirectoryState(join(folder, 'state'))
  let killed = 0
  let repeated = 0
  const shownRows = async (): Promise<readonly string[]> =>
    target === undefined ? rowsOfFiles(scenario, output) : target.rows()
  const look = async (): Promise<void> => {
    repeated = Math.max(repeated, strayRows(await shownRows(), answer))
  }
  let killedBehind = 0
  for (const [at, kill] of scenario.kills.entries()) {
    const portion = scenario.portions[at]
    if (portion !== undefined) writeInput(scenario, { input, at, portion })
    const ended = await runOnce(scenario, { state, input, output, target, at, kill })
    if (ended.killed) {
      killed++
      killedBehind = Math.max(killedBehind, state.newestEpoch())
    } else if (ended.code !== 0) trouble.push(`start ${at}: exit ${ended.code}\n${ended.text}`)
    await look()
  }
  const rest = scenario.portions[scenario.kills.length]
  if (rest !== undefined) writeInput(scenario, { input, at: scenario.kills.length, portion: rest })
  const last = await runOnce(scenario, {
    state,
    input,
    output,
    target,
    at: scenario.kills.length,
    kill: undefined,
  })
  if (last.code !== 0) trouble.push(`the last start: exit ${last.code}\n${last.text}`)
  await look()
  const shown = await shownRows()
  const epochs = { killedBehind, last: state.newestEpoch() }
  await state.stop?.()
  const lost = answer.length - (shown.length - strayRows(shown, answer))
  if (lost === 0 && repeated === 0 && trouble.length === 0) {
    rmSync(folder, { recursive: true, force: true })
    await target?.remove()
  } else trouble.push(`kept in ${folder}`)
  return { scenario, rows: answer.length, killed, epochs, lost, repeated, trouble }
}

interface Start {
  readonly state: TrialState
  readonly input: string
  readonly output: string
  readonly target: Target | undefined
  readonly at: number
  /** Undefined: it may run to its end. */
  readonly kill: Kill | undefined
}

interface Ended {
  readonly killed: boolean
  readonly code: number | null
  readonly text: string
}

function runOnce(scenario: Scenario, start: Start): Promise<Ended> {
  const { state, target, at, kill } = start
  const args = ['run', module, '--json', '--mode', scenario.mode, '--state', state.place]
  args.push(...settingsOf(scenario, start, target?.settings ?? {}))
  args.push('--parallelism', String(scenario.parallelism[at] ?? 1))
  if (scenario.mode === 'continuous') {
    args.push('--epoch-interval', `${scenario.epochMs}ms`)
    if (kill === undefined) args.push('--stop-when-idle', '500ms', '--drain')
  }
  if (scenario.mode === 'micro-batch') {
    args.push('--trigger', kill === undefined ? '50ms' : scenario.trigger)
    if (kill === undefined) args.push('--stop-when-idle', '500ms', '--drain')
  }
  const child = spawn(process.execPath, [bin, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...state.environment, ...target?.environment },
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (text = (text + chunk).slice(-4000)))
  let killed = false
  let killing: Promise<void> | undefined
  const end = (): void => {
    if (killed) return
    // Both at one moment: what neither has written down is gone.
    if (kill !== undefined) killing = target?.kill?.()
    killed = child.kill('SIGKILL')
  }
  const watch = kill === undefined ? undefined : killBehind(kill, state, end)
  const timer = setTimeout(end, RUN_MAX_MS)
  const closed = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      watch?.end()
      clearTimeout(timer)
      const isMeant = killed && signal === 'SIGKILL' && watch?.isDue === true
      resolve({ killed: isMeant, code, text })
    })
  })
  return closed.then(async (ended) => {
    await killing
    await target?.revive?.()
    return ended
  })
}

/** Looks at the log, and ends a process when it has added as much to it as it is to. */
function killBehind(
  { entries, delayMs }: Kill,
  state: TrialState,
  end: () => void,
): { readonly isDue: boolean; end(): void } {
  const before = state.numbers().at(-1) ?? 0
  let last = before
  let lastAt = performance.now()
  let due = Infinity
  const timer = setInterval(() => {
    const now = performance.now()
    const newest = state.numbers().at(-1) ?? before
    if (newest > last) {
      last = newest
      lastAt = now
    }
    const isIdle = last > before && now - lastAt > IDLE_MS
    if (due === Infinity && (last >= before + entries || isIdle)) due = now + delayMs
    if (now >= due) end()
  }, LOOK_MS)
  return {
    get isDue() {
      return due !== Infinity
    },
    end: () => clearInterval(timer),
  }
}

function writeInput(
  { follow }: Scenario,
  {
    input,
    at,
    portion,
  }: { readonly input: string; readonly at: number; readonly portion: readonly Payment[] },
): void {
  const lines = portion.map((payment) => `${JSON.stringify(payment)}\n`).join('')
  if (follow === 'rate') return
  if (follow === 'lines') {
    appendFileSync(join(input, 'payments.ndjson'), lines)
    return
  }
  const draft = join(input, `.part-${at}`)
  writeFileSync(draft, lines)
  renameSync(draft, join(input, `part-${String(at).padStart(3, '0')}.ndjson`))
}

/** How many rows stand too often, or are not of the answer. */
function strayRows(shown: readonly string[], answer: readonly string[]): number {
  const left = new Map<string, number>()
  for (const row of answer) left.set(row, (left.get(row) ?? 0) + 1)
  let stray = 0
  for (const row of shown) {
    const times = left.get(row) ?? 0
    if (times === 0) stray++
    else left.set(row, times - 1)
  }
  return stray
}
