/**
 * Decides whether a column chunk is written with a dictionary.
 *
 * A chunk begins with one; it is given up when the first values hardly repeat, or when the dictionary becomes large.
 * A column whose chunks gave up goes without for some chunks before it is tried again.
 */

/** After so many values it must have paid. */
const TRIAL_VALUES = 4096

/** Chunks without a dictionary after one that gave up. */
const CHUNKS_WITHOUT = 7

/** Dictionaries stay smaller than this. */
const ENTRIES_MAX = 1 << 15
const BYTES_MAX = 1 << 20

/** The choice for one column. */
export class DictionaryChoice {
  isOn = true
  private values = 0
  private without = 0

  /** A chunk begins. */
  startChunk(): void {
    this.values = 0
    if (this.without > 0) this.without--
    this.isOn = this.without === 0
  }

  /** `count` values were added; the dictionary now has so many entries and bytes. Tells whether it goes on. */
  goesOn(count: number, entries: number, bytes: number): boolean {
    const isTrial = this.values < TRIAL_VALUES
    this.values += count
    const repeats = !isTrial || this.values < TRIAL_VALUES || entries * 2 <= this.values
    const isSmall = entries <= ENTRIES_MAX && bytes <= BYTES_MAX
    if (repeats && isSmall) return true
    this.isOn = false
    if (!repeats) this.without = CHUNKS_WITHOUT + 1
    return false
  }
}
