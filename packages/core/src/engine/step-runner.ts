/**
 * One step in one task: its operator, the watermark of its inputs, and where its outputs go.
 *
 * Everything here is synchronous and runs inside a step of the task loop. Channels are numbered per runner: one for
 * each sending task of each edge. Invariants:
 *  SR1  A watermark goes on only when the operator has emitted everything due at it (O2); until then the runner is
 *       `pending` and the loop calls `proceed` before anything else is pushed.
 *  SR2  The combined watermark never falls and is the minimum over channels that are neither idle nor ended.
 */
import type { Batch } from '../data/batch.ts'
import { rowCount } from '../data/batch.ts'
import { withContext } from '../errors.ts'
import { WatermarkTracker } from '../time/watermark.ts'
import type { Operator, StepCounters } from './operator.ts'
import type { OutputPort, Receiver } from './output-port.ts'

/** What a runner tells the loop. */
export interface RunnerEvents {
  pending(runner: StepRunner): void
}

/** Runs one step in one task. */
export class StepRunner {
  readonly step: string
  readonly operator: Operator
  readonly counters: StepCounters
  readonly ports: ReadonlyMap<string, OutputPort>
  private readonly tracker = new WatermarkTracker()
  private readonly events: RunnerEvents
  private channels = 0
  private ended = 0
  private draining = true
  private isPending = false
  private target = -Infinity
  /** The watermark that the operator was given last. */
  private advancing = -Infinity
  private reached = -Infinity
  private idle = false

  constructor(
    step: string,
    parts: {
      readonly operator: Operator
      readonly counters: StepCounters
      readonly ports: ReadonlyMap<string, OutputPort>
    },
    events: RunnerEvents,
  ) {
    this.step = step
    this.operator = parts.operator
    this.counters = parts.counters
    this.ports = parts.ports
    this.events = events
  }

  /** The watermark up to which everything has left this step. */
  get watermark(): number {
    return this.reached
  }

  /** Goes on from an earlier run's watermark: nothing is due at it any more. Before any channel speaks. */
  restore(watermark: number): void {
    this.target = watermark
    this.advancing = watermark
    this.reached = watermark
    this.operator.resume?.(watermark)
  }

  /** Tells what follows how far an earlier run had come, when every runner has been restored. */
  announce(): void {
    const { reached } = this
    if (reached > -Infinity) this.toReceivers((receiver) => receiver.watermark(reached))
  }

  /** Adds a sender to one of the step's inputs. */
  addChannel(input: number): Receiver {
    const channel = this.tracker.addInput()
    this.channels++
    return {
      push: (batch) => this.push(batch, input),
      watermark: (watermark) => {
        this.tracker.advance(channel, watermark)
        this.follow()
      },
      idle: (idle) => {
        this.tracker.setIdle(channel, idle)
        this.follow()
      },
      end: (drain) => this.end(channel, drain),
    }
  }

  /** Goes on with a watermark whose rows have not all left; a higher one has to wait for it. */
  proceed(): boolean {
    if (!this.isPending) this.advancing = this.target
    const { advancing } = this
    this.isPending = !this.guarded(() => this.operator.advance(advancing))
    if (this.isPending) {
      this.events.pending(this)
      return false
    }
    const told = this.operator.outputWatermark?.(advancing) ?? advancing
    this.reached = told
    this.toReceivers((receiver) => receiver.watermark(told))
    if (this.target > advancing) return this.proceed()
    this.tellIdle()
    if (this.ended === this.channels) this.forwardEnd()
    return true
  }

  flush(): void {
    if (this.operator.flush !== undefined) this.guarded(() => this.operator.flush?.())
  }

  /** Emits everything that is only held for the sake of speed: a checkpoint keeps none of it. */
  release(): void {
    this.flush()
    if (this.operator.release !== undefined) this.guarded(() => this.operator.release?.())
  }

  private push(batch: Batch, input: number): void {
    this.counters.rowsIn += rowCount(batch)
    try {
      this.operator.push(batch, input)
    } catch (error) {
      throw withContext(error, { step: this.step })
    }
  }

  private end(channel: number, drain: boolean): void {
    if (drain) this.tracker.end(channel)
    this.draining &&= drain
    this.ended++
    if (this.follow() || this.isPending) return
    if (this.ended === this.channels) this.forwardEnd()
  }

  /** Moves to the inputs' combined watermark; true when it has moved. */
  private follow(): boolean {
    const moved = this.tracker.current > this.target
    if (moved) {
      this.target = this.tracker.current
      if (!this.isPending) this.proceed()
    }
    this.tellIdle()
    return moved
  }

  /** Idle inputs are told behind the watermark in progress: what it makes due would be passed by otherwise (SR1). */
  private tellIdle(): void {
    const { allIdle } = this.tracker
    if (allIdle === this.idle || (allIdle && this.isPending)) return
    this.idle = allIdle
    if (allIdle) this.guarded(() => this.operator.release?.())
    this.toReceivers((receiver) => receiver.idle(allIdle))
  }

  /** Once: the last word to everything behind this step. */
  private forwardEnd(): void {
    this.toReceivers((receiver) => receiver.end(this.draining))
  }

  private toReceivers(tell: (receiver: Receiver) => void): void {
    for (const port of this.ports.values()) for (const receiver of port.receivers) tell(receiver)
  }

  private guarded<Result>(run: () => Result): Result {
    try {
      return run()
    } catch (error) {
      throw withContext(error, { step: this.step })
    }
  }
}
