/**
 * The combined watermark of several inputs.
 *
 * A watermark w promises that no more rows with an event time below w are expected; −Infinity says nothing yet,
 * +Infinity that no row will come at all. Invariants (tests quote them):
 *  W1  The combined watermark never falls.
 *  W2  It is the minimum over the inputs that are neither idle nor ended (an ended input counts as +Infinity).
 *  W3  When an idle input returns, the combined watermark stays where it is and the input counts again from its own
 *      last watermark: it holds the minimum back until it catches up.
 *  W4  When every input that has not ended is idle, the combined watermark stays where it is: nobody promises
 *      anything. Only when all inputs have ended does it become +Infinity.
 */

/** Follows the watermarks of numbered inputs and combines them. */
export class WatermarkTracker {
  readonly #watermarks: number[] = []
  readonly #idle: boolean[] = []
  #current = Number.NEGATIVE_INFINITY

  constructor(inputs: number = 0) {
    for (let i = 0; i < inputs; i++) this.addInput()
  }

  /** Number of inputs. */
  get inputs(): number {
    return this.#watermarks.length
  }

  /** The combined watermark. */
  get current(): number {
    return this.#current
  }

  /** Adds an input that has said nothing yet; it holds the watermark from now on. Gives its number. */
  addInput(watermark: number = Number.NEGATIVE_INFINITY): number {
    this.#watermarks.push(watermark)
    this.#idle.push(false)
    return this.#watermarks.length - 1
  }

  /** An input's watermark moved; a lower value than before is ignored. Gives the combined watermark. */
  advance(input: number, watermark: number): number {
    // Written so that NaN is ignored too.
    if (watermark > (this.#watermarks[input] as number)) this.#watermarks[input] = watermark
    return this.#combine()
  }

  /** An input became idle, or returned. Gives the combined watermark. */
  setIdle(input: number, idle: boolean): number {
    this.#idle[input] = idle
    return this.#combine()
  }

  /** An input ended: it sends no more rows. Gives the combined watermark. */
  end(input: number): number {
    return this.advance(input, Number.POSITIVE_INFINITY)
  }

  /** The watermark of one input. */
  inputWatermark(input: number): number {
    return this.#watermarks[input] as number
  }

  /** Tells whether an input is idle. */
  isIdle(input: number): boolean {
    return this.#idle[input] as boolean
  }

  /** Tells whether no input can promise anything: all that have not ended are idle, and one is there (W4). */
  get allIdle(): boolean {
    let open = 0
    for (let i = 0; i < this.#watermarks.length; i++) {
      if (this.#watermarks[i] === Number.POSITIVE_INFINITY) continue
      if (!this.#idle[i]) return false
      open++
    }
    return open > 0
  }

  #combine(): number {
    let lowest = Number.POSITIVE_INFINITY
    let counted = 0
    for (let i = 0; i < this.#watermarks.length; i++) {
      const watermark = this.#watermarks[i] as number
      const ended = watermark === Number.POSITIVE_INFINITY
      if (this.#idle[i] && !ended) continue
      if (!ended) counted++
      if (watermark < lowest) lowest = watermark
    }
    // Idle inputs beside ended ones: the ended ones alone must not raise the rest to +Infinity (W4).
    if (counted === 0 && !this.#allEnded()) return this.#current
    if (lowest > this.#current) this.#current = lowest
    return this.#current
  }

  #allEnded(): boolean {
    return this.#watermarks.length > 0 && this.#watermarks.every((w) => w === Number.POSITIVE_INFINITY)
  }
}
