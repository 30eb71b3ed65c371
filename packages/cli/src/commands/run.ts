/**
 * `millrace run`: loads the module, runs its pipeline, shows how it goes, ends with what came of it.
 */
import { createNodeHost } from '@millrace/core/host/node'
import type { Host } from '@millrace/core/host'
import type { BuiltPipeline } from '@millrace/core'
import { MillraceError } from '@millrace/core/errors'
import { Job } from '@millrace/core/runtime'
import { parseDuration } from '@millrace/core/time'
import type { JobFailure, JobOptions, JobResult } from '@millrace/core/runtime'
import type { ParsedWords } from '../command-line/command.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { loadPipeline } from '../module/load-pipeline.ts'
import type { PipelineModule } from '../module/load-pipeline.ts'
import type { FinishedRun } from '../module/report.ts'
import { endRecord, errorRecord, jsonLine } from '../progress/json-lines.ts'
import { displayFor, Reporter } from '../progress/reporter.ts'
import { repeatsText } from '../report/check-text.ts'
import { followCommand } from '../report/follow-command.ts'
import { paletteFor } from '../report/style.ts'
import { inferredText } from '../report/schema-text.ts'
import { summaryText } from '../report/summary.ts'
import { textWidth, wrapCommand } from '../report/wrapped-text.ts'
import type { Surroundings } from '../surroundings.ts'
import { openStore } from './state-store.ts'
import type { StoreGround } from './state-store.ts'
import { runSettings } from './run-settings.ts'
import type { RunSettings } from './run-settings.ts'

/** Runs the command. */
export async function run(words: ParsedWords, surroundings: Surroundings): Promise<ExitCode> {
  const settings = runSettings(words)
  try {
    const module = await loadPipeline(settings.module, surroundings)
    const host = createNodeHost()
    const built = await module.pipeline.buildOn(host, { set: settings.set })
    if (!settings.json && !settings.quiet) surroundings.stderr.write(inferredText(built.inferred))
    const ended = await runJob({ words, module, built, settings, surroundings, host })
    await conclude({ words, module, built, settings, surroundings, host }, ended)
    return exitCodes.done
  } catch (error) {
    if (settings.json) surroundings.stdout.write(jsonLine(errorRecord(error)))
    throw error
  }
}

/** What every part of a run needs. */
interface Run {
  readonly words: ParsedWords
  readonly module: PipelineModule
  readonly built: BuiltPipeline
  readonly settings: RunSettings
  readonly surroundings: Surroundings
  readonly host: Host
}

/** A run that ended well, and the failures after which it has started again. */
interface EndedRun {
  readonly result: JobResult
  readonly failures: readonly JobFailure[]
}

async function runJob({ module, built, settings, surroundings, host: nodeHost }: Run): Promise<EndedRun> {
  const places = await placesOf(settings, { host: nodeHost, surroundings })
  const reporter = new Reporter({
    display: displayFor(surroundings, settings),
    surroundings,
    palette: paletteFor(surroundings.stderr, surroundings.environment),
    pipeline: module.pipeline.name,
    mode: settings.mode,
    now: () => nodeHost.clock.now(),
    epochIntervalMs: epochIntervalOf(settings),
  })
  // What console sinks print has to go around the lines that are redrawn.
  const host: Host = { ...nodeHost, terminal: { write: (text) => reporter.print(text) } }
  const job = new Job(built, { ...settings.job, ...places, host })
  await sayRepeats(job, settings, surroundings)
  if (settings.json) surroundings.stdout.write(jsonLine(startRecord(module, built, settings)))
  const release = surroundings.onSignal(onSignals({ job, reporter, surroundings, clock: nodeHost.clock }))
  let releaseStall = (): void => undefined
  const stalled = new Promise<never>((_, reject) => {
    releaseStall = surroundings.onStall(() => reject(stalledError(job)))
  })
  reporter.start(job)
  try {
    const result = await Promise.race([job.run(), stalled])
    return { result, failures: job.failures }
  } finally {
    release()
    releaseStall()
    reporter.close()
  }
}

/** How often epochs are to be made; undefined: not by the clock. */
function epochIntervalOf({ mode, job }: RunSettings): number | undefined {
  if (mode === 'continuous') return job.epochIntervalMs ?? 1000
  if (mode === 'batch' || (job.trigger !== undefined && job.trigger.kind !== 'interval')) return undefined
  return parseDuration(job.trigger?.every ?? '10 s')
}

/** The places that the flags name. */
export async function placesOf(
  { state, savepoint }: Pick<RunSettings, 'state' | 'savepoint'>,
  ground: StoreGround,
): Promise<Pick<JobOptions, 'state' | 'savepoint'>> {
  return {
    ...(state === undefined ? {} : { state: await openStore(state, ground) }),
    ...(savepoint === undefined ? {} : { savepoint: await openStore(savepoint, ground) }),
  }
}

/** Before a run that was asked for something by which rows may come out a second time: what does. */
async function sayRepeats(job: Job, settings: RunSettings, surroundings: Surroundings): Promise<void> {
  const { from, goOn, dropState } = settings.job
  const repeats =
    from !== undefined || settings.savepoint !== undefined || goOn === true || dropState !== undefined
  if (!repeats || settings.json || settings.quiet) return
  const check = await job.check()
  if (check === undefined || check.refusals.length > 0) return
  const { stderr, environment } = surroundings
  stderr.write(repeatsText(check, paletteFor(stderr, environment), textWidth(stderr)))
}

/** Node has nothing left to wait for, and the job does not end: some promise of a connector will never resolve. */
function stalledError(job: Job): MillraceError {
  const waiting = job.progress().steps.filter(({ watermark }) => watermark !== Infinity)
  return new MillraceError('run/stalled', {
    what: 'the run waits for something that will never come',
    detail: `not at their end are ${waiting.map(({ step }) => `"${step}"`).join(', ')}`,
    hint: 'a source or sink of your own may have left a promise unresolved; if it is none, please report it',
  })
}

/** What a signal has to do with. */
interface Signalled {
  readonly job: Job
  readonly reporter: Reporter
  readonly surroundings: Surroundings
  readonly clock: Host['clock']
}

/**
 * A signal so soon behind the first one is the same: a terminal sends Ctrl-C to all programs in it, and npm and other
 * starters pass it on once more.
 */
const SAME_SIGNAL_MS = 300

/** The first signal ends the run cleanly, the second one at once. */
function onSignals({ job, reporter, surroundings, clock }: Signalled): () => void {
  let firstAt: number | undefined
  return () => {
    if (firstAt !== undefined) {
      if (clock.monotonic() - firstAt < SAME_SIGNAL_MS) return
      reporter.close()
      surroundings.exit(exitCodes.interrupted)
      return
    }
    firstAt = clock.monotonic()
    job.stop()
    reporter.markStopping()
  }
}

function startRecord(module: PipelineModule, built: BuiltPipeline, settings: RunSettings): object {
  return {
    type: 'start',
    pipeline: module.pipeline.name,
    mode: settings.mode,
    options: optionValues(built),
    inferred: built.inferred,
    steps: built.plan.nodes.map(({ step, kind }) => ({ step, kind })),
  }
}

async function conclude(
  { words, module, built, settings, surroundings }: Run,
  { result, failures }: EndedRun,
): Promise<void> {
  const { stdout, stderr, environment } = surroundings
  if (settings.json) {
    stdout.write(jsonLine(endRecord(result, failures)))
    return
  }
  if (settings.quiet) return
  const memoryBytes = process.resourceUsage().maxRSS * 1024
  const { name } = module.pipeline
  const { mode, job } = settings
  const { stopWhenIdleMs, outputMode } = job
  const { nodes } = built.plan
  const restarts = failures.at(-1)?.number ?? 0
  const summary = { pipeline: name, mode, nodes, result, restarts, stopWhenIdleMs, outputMode, memoryBytes }
  const width = textWidth(stderr)
  stderr.write(summaryText(summary, paletteFor(stderr, environment), width))
  if (module.report !== undefined) {
    stdout.write(
      await reportText(module, {
        result,
        mode: settings.mode,
        options: optionValues(built),
        width: stdout.size().columns,
      }),
    )
  } else if (settings.mode === 'batch' && settings.state === undefined) {
    const { invocation } = surroundings
    const command = followCommand(words, { invocation, nodes: built.plan.nodes })
    if (command !== undefined) {
      const title = `to follow the input${command.replaces ? ', in place of these results' : ''}`
      stderr.write(`  ${title}\n${wrapCommand(command.words, width, 4)}\n`)
    }
  }
}

async function reportText({ report, path }: PipelineModule, run: FinishedRun): Promise<string> {
  try {
    const text = (await report?.(run)) ?? ''
    return text === '' || text.endsWith('\n') ? text : `${text}\n`
  } catch (cause) {
    throw new MillraceError('pipeline/module-failed', {
      what: `the report of module "${path}" threw`,
      detail: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause),
      hint: 'the run itself ended well, and its results stand',
      cause,
    })
  }
}

function optionValues(built: BuiltPipeline): { readonly [name: string]: string } {
  return Object.fromEntries(built.options.map(({ name, value }) => [name, value]))
}
