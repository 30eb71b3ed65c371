/**
 * Shows a job while it runs: redrawn lines on a terminal, a line every few seconds elsewhere, JSON lines for programs,
 * or nothing. What is shown is progress-lines.ts; here is when and where.
 */
import type { Job, JobProgress, RunMode } from '@millrace/core/runtime'
import { paintLine } from '../report/style.ts'
import type { Palette } from '../report/style.ts'
import type { Surroundings } from '../surroundings.ts'
import type { JobLife } from './job-notices.ts'
import { jsonLine, progressRecord } from './json-lines.ts'
import { progressBlock, progressLine } from './progress-lines.ts'
import type { ProgressState } from './progress-lines.ts'
import { RateWindow } from './rates.ts'
import { Screen } from './screen.ts'

/** How a run is shown. */
export type Display = 'redrawn' | 'lines' | 'json' | 'none'

/** What a reporter needs to know. */
export interface ReporterOptions {
  readonly display: Display
  readonly surroundings: Surroundings
  readonly palette: Palette
  readonly pipeline: string
  readonly mode: RunMode
  readonly now: () => number
  /** How often epochs are to be made; undefined: not by the clock. */
  readonly epochIntervalMs?: number | undefined
}

const intervalMs: { readonly [display in Display]: number } = {
  redrawn: 120,
  lines: 5000,
  json: 1000,
  none: 0,
}

/** How a run is to be shown on these streams. */
export function displayFor(
  surroundings: Surroundings,
  flags: { readonly json: boolean; readonly quiet: boolean },
): Display {
  const { stderr, environment } = surroundings
  if (flags.json) return 'json'
  if (flags.quiet) return 'none'
  return stderr.isTerminal && environment['TERM'] !== 'dumb' && environment['CI'] === undefined
    ? 'redrawn'
    : 'lines'
}

/** Follows one job. */
export class Reporter {
  private readonly options: ReporterOptions
  private readonly screen: Screen
  private readonly rates = new RateWindow()
  private timer: ReturnType<typeof setInterval> | undefined
  private job: Job | undefined
  private stopping = false
  /** Notices that were shown. */
  private told = 0

  constructor(options: ReporterOptions) {
    this.options = options
    this.screen = new Screen(options.surroundings.stderr, options.palette)
  }

  /** Begins to show the job. */
  start(job: Job): void {
    this.job = job
    const every = intervalMs[this.options.display]
    if (every === 0) return
    this.timer = setInterval(() => this.show(), every)
    this.timer.unref()
  }

  /** From now on the job is shown as stopping. */
  markStopping(): void {
    this.stopping = true
    if (this.options.display === 'redrawn') this.show()
    if (this.options.display === 'lines') {
      this.options.surroundings.stderr.write('stopping; interrupt again to end at once\n')
    }
  }

  /** Prints what the pipeline itself says, above the redrawn lines; for programs, away from their JSON. */
  print(text: string): void {
    const { display, surroundings } = this.options
    const output = display === 'json' ? surroundings.stderr : surroundings.stdout
    this.screen.around(() => output.write(text))
  }

  /** Ends the display; what was redrawn disappears. */
  close(): void {
    clearInterval(this.timer)
    if (this.job !== undefined && this.options.display !== 'none') this.tell(this.job.progress())
    this.screen.close()
  }

  private life({ state, failures }: Job): JobLife {
    return { state, failures, epochIntervalMs: this.options.epochIntervalMs }
  }

  /** What is no failure and not seen in any counter, once each. */
  private tell({ notices = [] }: JobProgress): void {
    const { stderr } = this.options.surroundings
    const news = notices.slice(this.told)
    this.told = notices.length
    for (const { step, text } of news) this.screen.around(() => stderr.write(`"${step}": ${text}\n`))
  }

  private show(): void {
    const { display, surroundings, palette } = this.options
    if (this.job === undefined) return
    const progress = this.job.progress()
    const rates = this.rates.add(progress)
    this.tell(progress)
    if (display === 'json') {
      surroundings.stdout.write(
        jsonLine(
          progressRecord(progress, rates, {
            life: this.life(this.job),
            nowMs: this.options.now(),
            mode: this.options.mode,
          }),
        ),
      )
      return
    }
    const state: ProgressState = {
      pipeline: this.options.pipeline,
      mode: this.options.mode,
      progress,
      rates,
      nowMs: this.options.now(),
      stopping: this.stopping,
      life: this.life(this.job),
    }
    if (display === 'redrawn') this.screen.draw(progressBlock(state, surroundings.stderr.size()))
    else surroundings.stderr.write(`${paintLine(progressLine(state), palette)}\n`)
  }
}
