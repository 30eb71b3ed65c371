/**
 * The store contract: where checkpoints live, and the only two ways in which anything gets there.
 *
 * A store keeps files under names with `/` between their parts. What is in a file never changes. Entries of the log are
 * created under names that others may want at the same moment; all other files get names that no one else has.
 *
 * Invariants (the conformance suite in `testing` quotes them):
 *  ST1  Of all callers that ever create one name exactly one is told `created`, also when they race, and also when one of
 *       them died in between. A caller that hears neither answer does not know: it reads, and compares.
 *  ST2  When `create` or `finish` has resolved, the whole file is there, for every reader and after a loss of power.
 *  ST3  Nobody ever sees part of a file under its name.
 *  ST4  `names` and `list` show every file that was there before the call and is still there after it.
 */

/** A file of a store. */
export interface StoredFile {
  readonly name: string
  readonly bytes: number
}

/** Writes one file. Calls do not overlap. */
export interface StoreWriter {
  /** Takes bytes; the caller may overwrite them when this has resolved. */
  append(bytes: Uint8Array): Promise<void>
  /** Makes the file appear under its name (ST2, ST3). */
  finish(): Promise<void>
  /** Gives up: nothing appears. Does nothing after `finish`. */
  abort(): Promise<void>
}

/** Which bytes of a file: from `start` up to and without `end`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** A place for checkpoints. Every method rejects with a MillraceError `checkpoint/store-failed` when the place fails. */
export interface CheckpointStore {
  /** For people: a path or URL without secrets. */
  readonly place: string
  /** Rejects with `checkpoint/incompatible` when the place holds what no store wrote. Before anything is written there. */
  check?(): Promise<void>
  /** Creates a file that others may be creating, too (ST1). */
  create(name: string, bytes: Uint8Array): Promise<'created' | 'exists'>
  /** Begins a file whose name no one else uses. */
  write(name: string): Promise<StoreWriter>
  /** All bytes of a file, or some; undefined when nothing has that name. A range may reach beyond the end. */
  read(name: string, range?: ByteRange): Promise<Uint8Array | undefined>
  /** Names that begin with `prefix` (empty, or ending in `/`), sorted bytewise. */
  names(prefix: string): Promise<readonly string[]>
  /** The files that have these names. Dearer than `names`: a directory is asked for the size of each. */
  list(prefix: string): Promise<readonly StoredFile[]>
  /** Removes a file; one that is not there is removed already. */
  remove(name: string): Promise<void>
  /**
   * Removes what writers left that died before they finished. To be called by the owner of the place only, when no
   * writer of its own is at work.
   */
  sweep(): Promise<void>
  /**
   * Somebody waits for the end of whoever uses the place: until the function that is given back is called, what does not
   * succeed is given up within seconds. Absent: nothing here is waited for any longer.
   */
  hurry?(): () => void
}

/** Names that stores take: parts of letters, digits, dot, dash and underscore, none of them beginning with a dot. */
export function isStoreName(name: string): boolean {
  return /^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/.test(name)
}
