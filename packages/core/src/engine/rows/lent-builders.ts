/**
 * Builders of an operator's output in rotation: the memory of a batch that was emitted belongs to whoever reads it
 * until the operator is called again (O3), and is built in anew from then on.
 *
 * Every operator that builds its output row by row has one per port, and calls `takeBack` when it is called.
 */
import type { BatchBuilder } from '../../data/batch-builder.ts'
import type { Batch } from '../../data/batch.ts'

/** The builders of one output. */
export class LentBuilders<Row = unknown> {
  readonly #make: () => BatchBuilder<Row>
  readonly #idle: BatchBuilder<Row>[] = []
  readonly #lent: BatchBuilder<Row>[] = []

  constructor(make: () => BatchBuilder<Row>) {
    this.#make = make
  }

  /** An empty builder. */
  take(): BatchBuilder<Row> {
    return this.#idle.pop() ?? this.#make()
  }

  /** The rows of a builder as a batch that is valid until `takeBack`. */
  lend(builder: BatchBuilder<Row>): Batch {
    this.#lent.push(builder)
    return builder.finish()
  }

  /** Ends the life of every batch that was lent. */
  takeBack(): void {
    for (const builder of this.#lent) {
      builder.reset()
      this.#idle.push(builder)
    }
    this.#lent.length = 0
  }

  /** Uses none of the builders again: those that `make` gives from now on are different. Lent batches stay valid. */
  forget(): void {
    this.#idle.length = 0
    this.#lent.length = 0
  }
}
