/**
 * A file, or a part of one, as a split of a source.
 */
import { MillraceError } from '../../errors.ts'
import type { Json } from '../../data/type.ts'
import type { Host } from '../../host/host.ts'
import type { Format } from '../format.ts'
import type { Split } from '../source.ts'
import { kindOfName } from './file-name.ts'
import type { FileCompression } from './file-name.ts'
import { checkUnchanged, inputError } from './file-errors.ts'
import type { PartitionValues } from './partition-path.ts'
import { randomAccess } from './random-split-reader.ts'

/** A file as the enumerator found it. */
export interface ListedInput {
  readonly path: string
  readonly partition: PartitionValues
  readonly size: number
  readonly identity: string
  readonly modifiedMs: number
  /** The name of its splits where that of the file is taken by another one that is still read; default: the path. */
  readonly id?: string
  /** What `contentMark` says of a file that is read whole, in a run that follows. */
  readonly mark?: number
}

/** What a split's detail says. */
export interface SplitDetail extends Omit<ListedInput, 'id' | 'mark'> {
  readonly [name: string]: Json
  readonly v: 1
  /** Which part of the file: bytes of a record format, row groups of a random one; null: all of it. */
  readonly range: readonly [from: number, to: number] | null
  /** Of a file that is read whole in a run that follows; else null, and not there in splits of earlier releases. */
  readonly mark: number | null
}

/** Compression of input files: by their endings, or as said. */
export type CompressionOption = FileCompression | 'none' | 'auto'

/** The compression of an input file. */
export function compressionFor(path: string, option: CompressionOption): FileCompression | undefined {
  if (option === 'none') return undefined
  return option === 'auto' ? kindOfName(path).compression : option
}

/** How files are cut. */
export interface SplitOptions {
  readonly host: Host
  readonly format: Format
  readonly compression: FileCompression | undefined
  /** Cut files into parts of about so many bytes; undefined: never. */
  readonly splitBytes: number | undefined
  /** Lines may be added while it is read. */
  readonly grows: boolean
}

/** The splits of a file, in order. */
export async function splitsOf(file: ListedInput, options: SplitOptions): Promise<Split[]> {
  const { format, compression, splitBytes, grows } = options
  if (grows) return [{ ...wholeFile(file), grows }]
  const isLarge = splitBytes !== undefined && file.size > splitBytes
  if (!isLarge || compression !== undefined) return [wholeFile(file)]
  if (format.kind === 'random') return splitByGroups(file, options)
  if (!format.lineRecords) return [wholeFile(file)]
  const parts = Math.ceil(file.size / splitBytes)
  return Array.from({ length: parts }, (_, part) =>
    partOfFile(file, {
      range: [Math.floor((file.size * part) / parts), Math.floor((file.size * (part + 1)) / parts)],
      unit: 'bytes',
    }),
  )
}

function wholeFile(file: ListedInput): Split {
  return { id: file.id ?? file.path, detail: detailOf(file, null), bytes: file.size }
}

function detailOf(file: ListedInput, range: SplitDetail['range']): SplitDetail {
  const { path, partition, size, identity, modifiedMs, mark = null } = file
  return { v: 1, path, partition, size, identity, modifiedMs, range, mark }
}

function partOfFile(
  file: ListedInput,
  part: {
    readonly range: readonly [number, number]
    readonly unit: string
    readonly bytes?: number
    readonly rows?: number
  },
): Split {
  const [from, to] = part.range
  const id = `${file.id ?? file.path}#${part.unit}=${from}-${to}`
  const bytes = part.bytes ?? to - from
  return {
    id,
    detail: detailOf(file, part.range),
    bytes,
    ...(part.rows === undefined ? {} : { rows: part.rows }),
  }
}

async function splitByGroups(file: ListedInput, options: SplitOptions): Promise<Split[]> {
  const { host, format, splitBytes } = options
  if (format.kind !== 'random' || splitBytes === undefined) return [wholeFile(file)]
  try {
    const open = await host.files.open(file.path, 'read')
    try {
      checkUnchanged(file, await open.status())
      const summary = await format.summarize(randomAccess(open, file.path, file.size), host.compression)
      const splits: Split[] = []
      let part = { first: 0, bytes: 0, rows: 0 }
      for (const [index, group] of summary.groups.entries()) {
        part = { first: part.first, bytes: part.bytes + group.bytes, rows: part.rows + group.rows }
        if (part.bytes < splitBytes && index + 1 < summary.groups.length) continue
        const range = [part.first, index + 1] as const
        splits.push(partOfFile(file, { range, unit: 'groups', bytes: part.bytes, rows: part.rows }))
        part = { first: index + 1, bytes: 0, rows: 0 }
      }
      return splits.length === 0 ? [wholeFile(file)] : splits
    } finally {
      await open.close()
    }
  } catch (error) {
    throw inputError(error, file.path)
  }
}

/** Reads a split's detail; a split of another version of Millrace is refused. */
export function detailOfSplit(split: Split): SplitDetail {
  const detail = split.detail as Partial<SplitDetail> | null
  if (detail?.v === 1) return detail as SplitDetail
  throw new MillraceError('input/unsupported', {
    what: `split "${split.id}" was written by a version of Millrace that this one cannot read`,
  })
}
