/**
 * The reader of a file that was deleted after all of it was read, while no run held it: it is at its end.
 */
import type { Json } from '../../data/type.ts'
import type { Horizon, ReadResult, SplitReader } from '../source.ts'
import { changedError } from './file-errors.ts'
import type { LineHorizon } from './line-horizon.ts'
import type { RecordPosition } from './record-reader.ts'

/** Reads nothing. */
export class GoneReader implements SplitReader<RecordPosition> {
  readonly #path: string
  readonly #position: RecordPosition
  #wanted = 0

  constructor(path: string, position: RecordPosition) {
    this.#path = path
    this.#position = position
  }

  /** Fails when an epoch that is read once more had read farther. */
  read(): ReadResult {
    const { byte } = this.#position
    if (this.#wanted <= byte) return { kind: 'end' }
    throw changedError(
      this.#path,
      `it was deleted, and an epoch that is to be read once more had read it from byte ${byte} to ${this.#wanted}`,
      'put it back under its name, from a copy if need be, and start again',
    )
  }

  position(): RecordPosition {
    return this.#position
  }

  bytesRead(): number {
    return 0
  }

  async horizon(): Promise<Horizon> {
    const to: LineHorizon = { v: 1, byte: this.#position.byte, end: true }
    return { to, bytes: 0 }
  }

  readTo(to: Json): void {
    this.#wanted = (to as LineHorizon).byte
  }

  async close(): Promise<void> {}
}
