/**
 * Names of output files: finished ones that readers see, staged ones that they pass over.
 *
 * `part-<epoch>-<task>-<sequence>-<writer>.parquet` is unique for ever: the writer's part comes from the job's lineage
 * and the step, so neither another run nor another sink of the same run can give the same name.
 */
import type { Attempt, EpochId } from '../sink.ts'

/** The folder, inside an output folder, of files that are not finished. Readers skip names that begin with `_`. */
export const STAGED_FOLDER = '_staged'

/** Who writes: the same for all attempts of a job's step. */
export interface OutputWriter {
  /** Twelve hexadecimal digits. */
  readonly id: string
  readonly attempt: Attempt
}

/** What a finished file's name says. */
export interface FinishedName {
  readonly epoch: EpochId
  readonly task: number
  readonly sequence: number
}

const finishedPattern = /^part-(\d{6,})-(\d{4,})-\d{4,}-([0-9a-f]{12})\.[a-z0-9]+(?:\.gz|\.zst)?$/
const ownerPattern = /^([0-9a-f]{12})-a(\d+)\.owner$/
const shownPattern = /^([0-9a-f]{12})-a(\d+)\.shown(?:\.draft)?$/
const stagedPattern = /^([0-9a-f]{12})-a(\d+)-t\d+-\d+\.(?:tmp|journal)$/

/** The writer's part of names. */
export function writerId(lineage: string, step: string): string {
  const text = `${lineage}\n${step}`
  // Two 32-bit FNV-1a hashes (Fowler, Noll and Vo) from different starts; names need no more than to differ.
  return (hash(text, 0x811c9dc5) + hash(text, 0x5bd1e995)).slice(0, 12)
}

function hash(text: string, start: number): string {
  let value = start
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193)
  // A last mix, so that the first digits depend on the last bytes.
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d)
  return ((value ^ (value >>> 13)) >>> 0).toString(16).padStart(8, '0')
}

/** The name under which a file becomes visible; `ending` as in `.parquet` or `.csv.gz`. */
export function finishedName(writer: OutputWriter, file: FinishedName, ending: string): string {
  const { epoch, task, sequence } = file
  return `${finishedPrefix(epoch)}${pad(task, 4)}-${pad(sequence, 4)}-${writer.id}${ending}`
}

/** What names of files begin with that became visible with an epoch. */
export function finishedPrefix(epoch: EpochId): string {
  return `part-${pad(epoch, 6)}-`
}

/** Writer, epoch and task of a finished file by its name; undefined when no file sink gave that name. */
export function originOfFinished(
  name: string,
): { readonly writer: string; readonly epoch: EpochId; readonly task: number } | undefined {
  const match = finishedPattern.exec(name)
  if (match === null) return undefined
  return { writer: match[3] as string, epoch: Number(match[1]), task: Number(match[2]) }
}

/** The name of a file that is being written. */
export function stagedName(
  writer: OutputWriter,
  file: { readonly task: number; readonly sequence: number },
): string {
  return `${writer.id}-a${writer.attempt}-t${file.task}-${file.sequence}.tmp`
}

/** The name of a journal: rows of files that are being written (journal-file.ts). It lies beside them. */
export function journalName(
  writer: OutputWriter,
  journal: { readonly task: number; readonly number: number },
): string {
  return `${writer.id}-a${writer.attempt}-t${journal.task}-${journal.number}.journal`
}

/** The name of the record of what a writer replaces: for all of its attempts. */
export function replacesName(writerId: string): string {
  return `${writerId}.replaces`
}

/** The name of the record that says which process a writer is. It lies beside the writer's staged files. */
export function ownerName(writer: OutputWriter): string {
  return `${writer.id}-a${writer.attempt}.owner`
}

/** The name of the record of what an attempt has shown. */
export function shownName(writer: OutputWriter): string {
  return `${writer.id}-a${writer.attempt}.shown`
}

/** Writer and attempt of a record of what was shown, by its name. */
export function writerOfShown(name: string): OutputWriter | undefined {
  return writerIn(shownPattern.exec(name))
}

/** Writer and attempt of an owner's record by its name. */
export function writerOfOwner(name: string): OutputWriter | undefined {
  return writerIn(ownerPattern.exec(name))
}

/** Writer and attempt of a staged file, or a journal, by its name. */
export function writerOfStaged(name: string): OutputWriter | undefined {
  return writerIn(stagedPattern.exec(name))
}

function writerIn(match: RegExpExecArray | null): OutputWriter | undefined {
  return match === null ? undefined : { id: match[1] as string, attempt: Number(match[2]) }
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, '0')
}
