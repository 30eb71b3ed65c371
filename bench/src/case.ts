/**
 * What a benchmark case is: work that runs once in a process of its own.
 *
 * The whole process is charged: start-up, generator, compiler threads and garbage collection. Figures are rows read
 * per second of user plus system time.
 */

/** What a case reports of its run. */
export interface CaseRun {
  /** The units that the rate counts: rows read. */
  readonly units: number
  readonly rowsOut: number
  /** Further figures, by name. */
  readonly extra?: { readonly [name: string]: number }
  /** Looks at what was written, once nothing counts any more: answers by question, which other cases may answer too. */
  readonly answers?: () => Promise<Answers>
}

/** Digests by question; whoever answers a question must give the same. */
export interface Answers {
  readonly [question: string]: string
}

/** A figure of another engine for the same work on the same kind of machine. */
export interface Peer {
  readonly name: string
  /** Million units per CPU-second. */
  readonly rate: number
}

/** One benchmark. */
export interface BenchCase {
  readonly name: string
  /** What is done, in one line. */
  readonly about: string
  /** What the rate counts: rows read, which are bids where a generator makes them. */
  readonly unit: 'bids' | 'rows'
  /** Million units per CPU-second that the project set itself; a lower bound. */
  readonly goal?: number
  readonly peers?: readonly Peer[]
  /** Data that the case reads, made beforehand in another process. */
  readonly needs?: readonly DataSet[]
  /** Its work does not depend on `--scale`, which is then refused: it reads a whole data set. */
  readonly fixed?: boolean
  /** Only run when asked for by name. */
  readonly long?: boolean
  /** Events per second of event time, where a generator makes them. `--event-rate` is for these cases. */
  readonly eventRate?: number
  /** How to install what the case cannot run without; `undefined`: it is there. Without, the case is left out. */
  missing?(): string | undefined
  /** @param eventRate - instead of the case's own; only for cases that have one */
  run(scale: number, eventRate?: number): Promise<CaseRun>
}

/** Input files that cases share: lines of 191 bytes, or of 230. */
export type DataSet = 'bids-ndjson' | 'bids-csv' | 'long-bids-ndjson'
