/**
 * The entries of the log: what each says, and its bytes.
 *
 * An entry is text, so that a person with `cat` can read what a job decided:
 *
 *   millrace-log <format> <kind> <length> <sha-256>\n
 *   <JSON>\n
 *
 * `length` counts the bytes of the JSON with its line feed; the checksum covers the entry's own number, its kind and the
 * JSON, so that an entry copied to another number, or a file of another kind, is damage (docs/internals/checkpoints.md).
 */
import type { Json } from '../data/type.ts'
import { MillraceError } from '../errors.ts'
import type { ByteChecks, ProcessIdentity } from '../host/host.ts'

/** The version that is written. */
const LOG_FORMAT = 1

/** Where a lineage left another one: behind epoch `epoch` of `lineage`. */
export interface Branch {
  readonly lineage: string
  readonly epoch: number
}

/** A new attempt begins: everything with a smaller attempt number is over from here on. */
export interface Takeover {
  readonly kind: 'takeover'
  readonly attempt: number
  /** Names one history of the job; changes when a run starts from an epoch that somebody chose. */
  readonly lineage: string
  /** Where the lineage began; undefined for the first one. The same in every takeover and manifest of a lineage. */
  readonly parent?: Branch
  /** Who runs the attempt. */
  readonly owner: ProcessIdentity
  /** Random: no two takeovers have the same bytes, also when one process begins two. */
  readonly token: string
  /** Wall clock, for people. */
  readonly atMs: number
  /** The job had come to its end: this attempt puts out what is owed, and writes no epoch. */
  readonly ended?: true
}

/** Micro-batch: what epoch `epoch` will read, and the time it goes by. Written before the first row is read. */
export interface EpochPlan {
  readonly kind: 'plan'
  readonly attempt: number
  readonly epoch: number
  /** By source step: what the source needs to read exactly this range again. */
  readonly ranges: { readonly [step: string]: Json }
  /** The processing time of the whole epoch. */
  readonly clockMs: number
}

/** A state file that a manifest refers to. */
export interface StateFileReference {
  readonly name: string
  readonly bytes: number
  readonly checksum: string
  readonly step: string
  /** First key group and the one behind the last. */
  readonly groups: readonly [number, number]
  /** The epoch that wrote it; files of one step and range are applied in this order. */
  readonly epoch: number
  /** Whether it holds everything, so that earlier files are not needed. */
  readonly full: boolean
}

/** Output that is prepared and has to be committed when the manifest stands. */
export interface PendingCommit {
  readonly step: string
  readonly epoch: number
  readonly attempt: number
  readonly task: number
  /** The kind of sink that made it: another cannot read it. */
  readonly connector?: string
  /** Where that sink put its rows, for people. */
  readonly target?: string
  /**
   * Whether rows up to this epoch stay behind, to be shown with a later one: then its committable is all that says where
   * they are. Absent: the sink does not say, or an earlier release wrote it.
   */
  readonly holds?: boolean
  readonly committable: Json
}

/** A file with rows that cross the border between two phases of a batch run. */
export interface BorderFileReference {
  readonly name: string
  readonly bytes: number
  readonly checksum: string
  /** Numbers of phases, from 0. */
  readonly from: number
  readonly to: number
  /** Its rows come to tables of lookup joins, which are read first. */
  readonly forTable: boolean
}

/** Where a batch run in phases stands: nothing of it is visible yet. */
export interface StageBorder {
  /** Phases that are complete, the first ones. */
  readonly done: number
  /** All of them. */
  readonly of: number
  /** Identifies what the complete phases compute: who computes something else cannot go on behind them. */
  readonly hash: string
  /** Tasks per stage of the run that wrote it, at most. */
  readonly tasks: number
  /** What the start that opened the outputs was to do with what they held. */
  readonly outputMode?: string
  /** What later phases read, in the order in which it was written. */
  readonly files: readonly BorderFileReference[]
}

/**
 * Why a run wrote its last manifest; undefined while it goes on. `idle`: everything that was there is read and committed,
 * and windows stay open; `drained`: they have fired, too.
 */
export type RunEnd = 'finished' | 'drained' | 'idle' | 'stopped'

/** Epoch `epoch` is durable: this entry is the commit decision. */
export interface Manifest {
  readonly kind: 'manifest'
  readonly attempt: number
  readonly lineage: string
  /** As in the takeovers of the lineage: these may be cut away. */
  readonly parent?: Branch
  readonly epoch: number
  /** The number of the first entry that counts from here on. Never less than in an earlier manifest. */
  readonly base: number
  readonly planHash: string
  readonly stateHash: string
  /** Who wrote it: the takeover may be cut away. */
  readonly owner?: ProcessIdentity
  /** The name of the pipeline that wrote it; missing: an earlier release did. */
  readonly pipeline?: string
  /** Steps whose state this run, or one before it, was allowed to drop: the same wish may be given again. */
  readonly mayDrop?: readonly string[]
  /** How the run ran that wrote it: `batch` keeps no state. */
  readonly mode?: string
  readonly atMs: number
  /** Watermarks by step: a number, or `-inf` and `+inf`, which JSON lacks. */
  readonly watermarks: { readonly [step: string]: number | '-inf' | '+inf' }
  readonly state: readonly StateFileReference[]
  /** All output that was not known to be delivered when this was written, of this epoch and of earlier ones. */
  readonly pending: readonly PendingCommit[]
  /** By output step: the rows that the epoch gave it, for people. Steps that got none are left out. */
  readonly rows?: { readonly [step: string]: number }
  /** The last epoch whose output was delivered; 0: none. */
  readonly delivered: number
  readonly end?: RunEnd
  /** The border at which a batch run stands that keeps its phases. Its output is shown with the last epoch. */
  readonly border?: StageBorder
  /** The first of a history that began with a savepoint: no output of it stands anywhere yet. */
  readonly savepoint?: true
  /** The savepoint was of the end of a drained run: its event time has come to its end, and begins anew. */
  readonly drained?: true
}

/** All files that a manifest needs. */
export function filesOf({
  state,
  border,
}: Pick<Manifest, 'state' | 'border'>): readonly Pick<StateFileReference, 'name' | 'bytes' | 'checksum'>[] {
  return [...state, ...(border?.files ?? [])]
}

/** The output of epoch `epoch`, and of all before it, has been committed. */
export interface Delivered {
  readonly kind: 'delivered'
  readonly attempt: number
  readonly epoch: number
}

/** What the log holds. */
export type Entry = Takeover | EpochPlan | Manifest | Delivered

/** An entry with its number in the log, from 1. */
export interface NumberedEntry<Kind extends Entry = Entry> {
  readonly number: number
  readonly entry: Kind
}

/** What reading an entry's bytes can find. */
export type DecodedEntry =
  | { readonly kind: 'entry'; readonly entry: Entry }
  | { readonly kind: 'damaged'; readonly reason: string }
  /** Written by a newer release. */
  | { readonly kind: 'newer'; readonly format: number }

const HEADER_BYTES_MAX = 200
const kinds: ReadonlySet<string> = new Set(['takeover', 'plan', 'manifest', 'delivered'])

/** The bytes of an entry that is to stand under `number`. */
export function encodeEntry(entry: Entry, number: number, checks: Pick<ByteChecks, 'sha256'>): Uint8Array {
  const body = Buffer.from(`${JSON.stringify(entry)}\n`, 'utf8')
  const checksum = checksumOf(body, entry.kind, number, checks)
  const header = `millrace-log ${LOG_FORMAT} ${entry.kind} ${body.length} ${checksum}\n`
  return Buffer.concat([Buffer.from(header, 'latin1'), body])
}

/** Reads the bytes that were found under `number`. Never throws: what is wrong is an answer. */
export function decodeEntry(
  bytes: Uint8Array,
  number: number,
  checks: Pick<ByteChecks, 'sha256'>,
): DecodedEntry {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const feed = buffer.subarray(0, HEADER_BYTES_MAX).indexOf(10)
  if (feed < 0) return damaged(bytes.length === 0 ? 'it is empty' : 'it has no header')
  const [name, version = '', kind = '', length = '', checksum = '', ...rest] = buffer
    .toString('latin1', 0, feed)
    .split(' ')
  if (name !== 'millrace-log' || !/^[1-9]\d*$/.test(version)) return damaged('its header is not one of a log')
  if (Number(version) > LOG_FORMAT) return { kind: 'newer', format: Number(version) }
  const body = buffer.subarray(feed + 1)
  if (rest.length > 0 || !kinds.has(kind)) return damaged('its header is not one of a log')
  if (Number(length) !== body.length)
    return damaged(`it has ${body.length} bytes of text instead of ${length}`)
  if (checksumOf(body, kind, number, checks) !== checksum) return damaged('its checksum does not fit')
  try {
    const entry = JSON.parse(body.toString('utf8')) as Entry
    return entry.kind === kind ? { kind: 'entry', entry } : damaged('its text is of another kind')
  } catch {
    return damaged('its text is not JSON')
  }
}

/** The entry behind `found`, or the error that says what is to be done. */
export function expectEntry(found: DecodedEntry, place: { readonly file: string }): Entry {
  if (found.kind === 'entry') return found.entry
  if (found.kind === 'newer') {
    throw new MillraceError('checkpoint/newer-format', {
      what: `a checkpoint was written in format ${found.format}, this release reads up to ${LOG_FORMAT}`,
      hint: 'run the release that wrote it, or a newer one',
      place,
    })
  }
  throw new MillraceError('checkpoint/damaged', {
    what: 'an entry of the checkpoint log is damaged',
    detail: found.reason,
    hint: 'restore the file from a copy, or start from an earlier epoch with --from, which repeats the output since then',
    place,
  })
}

function checksumOf(
  body: Uint8Array,
  kind: string,
  number: number,
  checks: Pick<ByteChecks, 'sha256'>,
): string {
  return checks.sha256([Buffer.from(`millrace-log ${number} ${kind}\n`, 'latin1'), body])
}

function damaged(reason: string): DecodedEntry {
  return { kind: 'damaged', reason }
}
