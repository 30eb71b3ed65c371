/**
 * How a source step comes to know its splits: asks the enumerator, beside the reading, and keeps what it remembers.
 *
 * Who reads a split is for the step to say (source-step.ts). Splits are taken on between two steps only, in the order in
 * which the enumerator gave them.
 */
import type {
  Boundedness,
  FoundSplits,
  Source,
  SourceContext,
  Split,
  SplitEnumerator,
  SplitProgress,
} from '../../connect/source.ts'
import type { Json } from '../../data/type.ts'
import { withContext } from '../../errors.ts'
import { readFailure } from '../connector-failure.ts'

/** What a discovery is made with. */
export interface SplitDiscoveryOptions {
  readonly source: Source
  readonly context: SourceContext
  readonly boundedness: Boundedness
  /** Epochs are planned: what is found between two plans is news. */
  readonly isMicroBatch: boolean
  /** Nothing is looked for unless `look` is called. */
  readonly isPlanned: boolean
  readonly events: {
    /** Splits that are new, in order; before any of them is read. */
    found(splits: readonly Split[]): void
    /** Whether input was seen that is no split yet. */
    coming(isComing: boolean): void
    /** No split can be found any more. */
    over(): void
    wake(): void
    readingFailed(error: unknown): void
  }
}

/** What was found since the last plan of an epoch. */
export interface SourceNews {
  readonly found: readonly Split[]
  /** Undefined: the entry is gone. */
  readonly remembered: ReadonlyMap<string, Json | undefined>
}

/** What an earlier run had left of it. */
export interface RestoredDiscovery {
  readonly remembered: ReadonlyMap<string, Json>
  readonly discoveryDone: boolean
}

/** Finds the splits of one source. */
export class SplitDiscovery {
  /** Whether the source said that it can discover nothing more. */
  isOver = false
  /** Input was seen that is no split yet; undefined: the source did not say. */
  isComing: boolean | undefined
  /** When it was asked for splits last so that the answer counts, milliseconds of the clock. */
  lookedAt: number = -Infinity
  private readonly options: SplitDiscoveryOptions
  private enumerator: SplitEnumerator | undefined
  private listing: Promise<void> | undefined
  private found: FoundSplits | undefined
  /** What enumerators remember, and what of it was not written down yet. */
  private readonly remembered = new Map<string, Json>()
  private newlyRemembered = new Map<string, Json | undefined>()
  private news: { found: Split[]; remembered: Map<string, Json | undefined> } = noNews()

  constructor(options: SplitDiscoveryOptions) {
    this.options = options
  }

  /** Takes on what an earlier run knew; its splits are the step's. */
  restore({ remembered, discoveryDone }: RestoredDiscovery): void {
    for (const [key, value] of remembered) this.remembered.set(key, value)
    if (discoveryDone) this.end()
  }

  /**
   * Begins to find splits.
   *
   * @param kept - splits of an earlier run that are not read to their end; undefined: this is the first one
   */
  async open(kept: Parameters<Source['enumerate']>[2]): Promise<void> {
    if (this.isOver) return
    const { source, context, boundedness, isPlanned } = this.options
    try {
      this.enumerator = await source.enumerate(context, this.remembered, kept)
      if (isPlanned) return
      // All splits of a bounded read before any of them: what is listed late would be late.
      do {
        this.take(await this.enumerator.next())
        if (!this.isOver && boundedness === 'bounded') await context.host.timers.yield()
      } while (!this.isOver && boundedness === 'bounded')
    } catch (error) {
      throw this.failure(error)
    }
  }

  /** Looks for splits once and takes them on; gives whether it may stop looking: nothing is new or in the making. */
  async look(): Promise<boolean> {
    const { enumerator } = this
    if (this.isOver || enumerator === undefined) return true
    try {
      const found = await enumerator.next()
      this.take(found)
      const { isSettled } = enumerator
      // Who does not tell may list in pieces.
      return found.done || isSettled === true || (isSettled === undefined && found.splits.length === 0)
    } catch (error) {
      throw this.failure(error)
    }
  }

  /** Whether a listing is under way. */
  get isListing(): boolean {
    return this.listing !== undefined
  }

  /** Asks for new splits, beside the reading; the loop calls it on an interval until discovery is over. */
  ask(): void {
    if (this.isOver || this.listing !== undefined || this.enumerator === undefined) return
    const { enumerator } = this
    const { events, context } = this.options
    const askedAt = context.host.clock.monotonic()
    this.listing = enumerator
      .next()
      .then((found) => {
        this.found = found
        if (enumerator.isSettled !== false) this.lookedAt = askedAt
      })
      .catch((error: unknown) => events.readingFailed(this.failure(error)))
      .finally(() => {
        this.listing = undefined
        events.wake()
      })
  }

  /** Takes on what a listing has found; the loop calls it between two steps. */
  takeFound(): void {
    const { found } = this
    this.found = undefined
    if (found !== undefined && !this.isOver) this.take(found)
  }

  /** Takes on what was found: by the enumerator, or by the epoch that is read once more. */
  take({ splits, done, coming, remember = new Map() }: FoundSplits): void {
    this.options.events.found(splits)
    if (coming !== undefined) {
      this.isComing = coming
      this.options.events.coming(coming)
    }
    for (const [key, value] of remember) this.remember(key, value)
    if (this.options.isMicroBatch) {
      this.news.found.push(...splits)
      for (const [key, value] of remember) this.news.remembered.set(key, value)
    }
    if (done) this.end()
  }

  /** What was found since the last call. */
  takeNews(): SourceNews {
    const { news } = this
    this.news = noNews()
    return news
  }

  /** What is remembered now (all of it with `full`, else what changed since the last call); undefined: gone. */
  takeRemembered(full: boolean): ReadonlyMap<string, Json | undefined> {
    const taken = full ? this.remembered : this.newlyRemembered
    this.newlyRemembered = new Map()
    return taken
  }

  /** The word to the source of what was read, for when it is durable and delivered; undefined: it does not ask for it. */
  acknowledgement(progress: readonly SplitProgress[]): (() => Promise<void>) | undefined {
    const { enumerator } = this
    if (enumerator?.acknowledge === undefined || progress.length === 0) return undefined
    return async () => {
      try {
        await enumerator.acknowledge?.(progress)
      } catch (error) {
        throw this.failure(error)
      }
    }
  }

  async close(): Promise<void> {
    await this.listing
    await this.enumerator?.close()
  }

  private remember(key: string, value: Json | undefined): void {
    if (value === undefined) this.remembered.delete(key)
    else this.remembered.set(key, value)
    this.newlyRemembered.set(key, value)
  }

  private end(): void {
    this.isOver = true
    this.options.events.over()
  }

  private failure(error: unknown): unknown {
    return withContext(readFailure(error), { step: this.options.context.step })
  }
}

function noNews(): { found: Split[]; remembered: Map<string, Json | undefined> } {
  return { found: [], remembered: new Map() }
}
