/**
 * Files as a source: one split per file, or per part of a large one.
 *
 * Finding them is file-enumerator.ts; reading one is record-reader.ts and random-split-reader.ts.
 */
import { MillraceError } from '../../errors.ts'
import type { Json, Schema } from '../../data/type.ts'
import type { Host } from '../../host/host.ts'
import type { DecoderOptions, RandomFormat, RecordFormat, RejectedRecord } from '../format.ts'
import type {
  Boundedness,
  Pushdown,
  Source,
  SourceContext,
  SourceDescription,
  Split,
  SplitReader,
} from '../source.ts'
import { openBytes } from './byte-stream.ts'
import type { ByteStream } from './byte-stream.ts'
import { columnsInFile, shaperOf } from './constant-columns.ts'
import { DeletedByRun } from './deleted-files.ts'
import { boundedEnumerator } from './file-enumerator.ts'
import { changedError, checkUnchanged, inputError } from './file-errors.ts'
import type { FileSourceOptions } from './file-source-options.ts'
import { compressionFor, detailOfSplit } from './file-split.ts'
import type { SplitDetail } from './file-split.ts'
import { findAgain } from './find-files.ts'
import { goneText, openFollowed, startOf } from './followed-file.ts'
import type { FollowedFile } from './followed-file.ts'
import { FollowedStream } from './followed-stream.ts'
import { GoneReader } from './gone-reader.ts'
import { FollowingEnumerator } from './following-enumerator.ts'
import { listedAgain } from './listed-again.ts'
import { RandomSplitReader, randomAccess } from './random-split-reader.ts'
import { refusesKept } from './kept-input.ts'
import { readsIn } from './reads-in.ts'
import { RecordReader } from './record-reader.ts'
import type { RecordPosition } from './record-reader.ts'
import { resolveFileSchema } from './resolve-schema.ts'

/** Characters of a rejected row that are kept. */
const RAW_BYTES_MAX = 64 * 1024

/** Makes the source of checked options. */
export function fileSource<Row>(options: FileSourceOptions): Source<Row> {
  const { schema, pushdown } = options
  const deletedByRun = new DeletedByRun()
  const visible = schema === undefined ? { fields: [] } : pushedSchema(schema, pushdown)
  return {
    description: describeSource(options),
    // What the compiler knows of the rows is what the caller declared.
    schema: visible as Schema<Row>,
    supports: ['bounded', 'unbounded'] satisfies readonly Boundedness[],
    splitOrder: 'sequential',
    readsIn: (folder, files) => readsIn(files, options.path, folder),
    goesOnWith: (kept, files) => refusesKept(options, kept, files),
    skipsBy: (predicate) => skipsBy(options, predicate),
    withPushdown: (asked) => fileSource({ ...options, pushdown: asked }),
    ...(schema === undefined
      ? {
          resolveSchema: async (host: Host) =>
            fileSource({ ...options, schema: await resolveFileSchema(options, host) }),
        }
      : {}),
    async enumerate(context, remembered, unfinished) {
      checkFollowing(options, context)
      return context.boundedness === 'bounded'
        ? boundedEnumerator(options, context)
        : new FollowingEnumerator(options, context, {
            deleted: deletedByRun.begin(context),
            remembered,
            unfinished,
          })
    },
    async open(split, from, context) {
      let detail = detailOfSplit(split)
      try {
        if (context.boundedness === 'unbounded' && !isByLines(options, detail)) {
          const input = (): Promise<readonly string[]> => pathsOf(options, context.host)
          const now = await listedAgain(context.host, detail, { from, lostRows: options.lostRows, input })
          if (now === undefined) return goneReader(detail, from, context)
          detail = now
        }
        const deleted = (): void => deletedByRun.of(context).add(split.id)
        return await openSplit(detail, from, { options, context, split, deleted })
      } catch (error) {
        throw inputError(error, detail.path)
      }
    },
  }
}

function describeSource(options: FileSourceOptions): SourceDescription {
  const { path, formats, compression, follow, lostRows, splitBytes } = options
  return {
    connector: 'files',
    options: {
      path,
      format: formats.description,
      ...(compression === 'auto' ? {} : { compression }),
      ...(follow === 'files' ? {} : { follow }),
      ...(lostRows === 'fail' ? {} : { lostRows }),
      ...(splitBytes === undefined ? {} : { splitBytes }),
    },
  }
}

function skipsBy(
  { path, formats }: FileSourceOptions,
  predicate: NonNullable<Pushdown['predicate']>,
): Pushdown['predicate'] {
  for (const format of formats.possible(path)) {
    if (format.kind === 'random' && format.skipsBy !== undefined) return format.skipsBy(predicate)
  }
  return undefined
}

function pushedSchema(schema: Schema, { columns }: Pushdown): Schema {
  if (columns === undefined) return schema
  return { fields: schema.fields.filter(({ name }) => columns.includes(name)) }
}

function checkFollowing(options: FileSourceOptions, context: SourceContext): void {
  const { written } = options.formats
  if (context.boundedness === 'bounded' || options.follow === 'files' || written === undefined) return
  checkAppendable(written.kind === 'records' && written.appendable !== false, written.name)
}

function checkAppendable(isAppendable: boolean, format: string): void {
  if (isAppendable) return
  throw new MillraceError('plan/unsupported', {
    what: `${format} files cannot be followed line by line`,
    hint: "leave out follow: 'lines' to read whole files as they appear, or use NDJSON or CSV",
  })
}

interface OpenContext {
  readonly options: FileSourceOptions
  readonly context: SourceContext
  readonly split: Split
  /** Told when the file is gone for good, and read. */
  readonly deleted: () => void
}

interface RecordsContext extends OpenContext {
  readonly from: RecordPosition | undefined
}

async function openSplit(
  detail: SplitDetail,
  from: Json | undefined,
  open: OpenContext,
): Promise<SplitReader> {
  const format = open.options.formats.of(detail.path)
  return format.kind === 'records'
    ? openRecords(format, detail, { ...open, from: from as RecordPosition | undefined })
    : openRandom(format, detail, { ...open, from })
}

async function openRecords(
  format: RecordFormat,
  detail: SplitDetail,
  open: RecordsContext,
): Promise<SplitReader> {
  const { options, context, from } = open
  const { host } = context
  const compression = compressionFor(detail.path, options.compression)
  if (context.boundedness === 'unbounded' && isByLines(options, detail)) {
    checkAppendable(format.appendable !== false && compression === undefined, compression ?? format.name)
    return followRecords(format, detail, open)
  }
  const [rangeStart, rangeEnd] = detail.range ?? [0, detail.size]
  const isPart = detail.range !== null
  // A part begins behind the line end at or after the byte before it: that line belongs to the part before.
  const aligns = from === undefined && rangeStart > 0
  const byte = from?.byte ?? (aligns ? rangeStart - 1 : rangeStart)
  if (compression === undefined && byte > detail.size) {
    throw changedError(detail.path, `it has ${detail.size} bytes and its position is ${byte}`)
  }
  const stream = await openBytes(host, detail, { start: byte, compression })
  const reader = recordReader(format, detail, {
    open,
    stream,
    byte,
    stopByte: isPart ? rangeEnd : undefined,
    expectedBytes: compression === undefined ? Math.max(0, rangeEnd - byte) : options.chunkBytes,
  })
  try {
    if (aligns) await reader.alignToLine()
  } catch (error) {
    await reader.close()
    throw error
  }
  return reader
}

/** A file that lines are added to, wherever it is by now. */
async function followRecords(
  format: RecordFormat,
  detail: SplitDetail,
  open: RecordsContext,
): Promise<SplitReader> {
  const { options, context, from, deleted } = open
  const { host } = context
  const start = startOf(detail, from, options.lostRows)
  const found = await openFollowed(host, start, () => pathsOf(options, host))
  if (found === undefined) {
    deleted()
    context.tell?.(goneText(start))
    return new GoneReader(start.path, from ?? { v: 1, byte: 0, line: 1, resume: null })
  }
  if (found.isBegunAnew)
    context.tell?.(
      `"${start.path}" was written again; it is read from its beginning, and was read to byte ${start.byte} before`,
    )
  const byte = found.isBegunAnew ? 0 : start.byte
  return recordReader(format, detail, {
    open: found.isBegunAnew ? { ...open, from: undefined } : open,
    stream: new FollowedStream(host, found, { start: byte, deleted }),
    byte,
    stopByte: undefined,
    expectedBytes: Math.max(0, found.status.size - byte),
    followed: found,
  })
}

/** Of a file that was read whole, or was to be. */
function goneReader(detail: SplitDetail, from: Json | undefined, context: SourceContext): SplitReader {
  const { path, size } = detail
  context.tell?.(`"${path}" of ${size} bytes was deleted before all of its rows were read`)
  return new GoneReader(
    path,
    (from as RecordPosition | undefined) ?? { v: 1, byte: 0, line: 1, resume: null },
  )
}

/** Parts of files are read whole: a run that followed by files has left them. */
function isByLines({ follow }: FileSourceOptions, { range }: SplitDetail): boolean {
  return follow === 'lines' && range === null
}

async function pathsOf({ path, formats }: FileSourceOptions, { files }: Host): Promise<readonly string[]> {
  return (await findAgain(files, path, formats.isData)).files.map((found) => found.path)
}

function recordReader(
  format: RecordFormat,
  detail: SplitDetail,
  made: {
    readonly open: RecordsContext
    readonly stream: ByteStream
    readonly byte: number
    readonly stopByte: number | undefined
    readonly expectedBytes: number
    readonly followed?: FollowedFile
  },
): RecordReader {
  const { open, stream, byte, stopByte, expectedBytes, followed } = made
  const { options, context, from } = open
  const { host } = context
  const inFile = columnsInFile(declared(options), detail.partition)
  const decoderOptions: DecoderOptions = {
    columns: pushedColumns(open, detail),
    line: from?.line ?? 1,
    ...(from === undefined ? {} : { resume: from.resume }),
    file: detail.path,
    reject: rejecter(open, detail),
    isUtf8: host.bytes.isUtf8,
  }
  return new RecordReader({
    host,
    file: detail.path,
    format,
    stream,
    decoder: (begin, replay) =>
      format.decoder(inFile, {
        ...decoderOptions,
        byte: begin,
        ...(replay === undefined ? {} : { ...replay, reject: () => undefined }),
      }),
    start: { byte, line: from?.line ?? 1 },
    stopByte,
    knowsLine: knowsLines(detail),
    isCompressed: compressionFor(detail.path, options.compression) !== undefined,
    bytesBefore: from === undefined ? 0 : from.byte - (detail.range?.[0] ?? 0),
    ...(followed === undefined ? {} : { before: followed.tail }),
    pollMs: followed === undefined ? undefined : options.pollMs,
    chunkBytes: options.chunkBytes,
    expectedBytes,
    shape: shaperOf(pushedSchema(declared(options), options.pushdown), detail.partition, detail.path),
  })
}

async function openRandom(
  format: RandomFormat,
  detail: SplitDetail,
  open: OpenContext & { readonly from: Json | undefined },
): Promise<SplitReader> {
  const { options, context, from } = open
  const { host } = context
  const compression = compressionFor(detail.path, options.compression)
  if (compression !== undefined) {
    throw new MillraceError('input/unsupported', {
      what: `${format.name} file "${detail.path}" is compressed as a whole with ${compression}`,
      detail: 'its parts could not be reached without reading everything before them',
      hint: `decompress it first; ${format.name} has compression of its own inside`,
    })
  }
  const file = await host.files.open(detail.path, 'read')
  try {
    checkUnchanged(detail, await file.status())
    const access = randomAccess(file, detail.path, detail.size)
    const columns = pushedColumns(open, detail)
    const reader = await format.open(access, columnsInFile(declared(options), detail.partition), {
      compression: host.compression,
      pushdown: { columns, predicate: options.pushdown.predicate },
      ...(from === undefined ? {} : { from }),
      ...(detail.range === null ? {} : { groups: { first: detail.range[0], last: detail.range[1] } }),
      reject: rejecter(open, detail),
    })
    const shape = shaperOf(pushedSchema(declared(options), options.pushdown), detail.partition, detail.path)
    const splitBytes = open.split.bytes ?? detail.size
    return new RandomSplitReader({ file, listed: detail, reader, splitBytes, shape })
  } catch (error) {
    const status = await file.status().catch(() => undefined)
    await file.close()
    if (status !== undefined) checkUnchanged(detail, status)
    throw error
  }
}

function declared(options: FileSourceOptions): Schema {
  if (options.schema !== undefined) return options.schema
  throw new MillraceError('internal/assertion', {
    what: 'a source without schema was opened before it was resolved',
  })
}

function pushedColumns({ options }: OpenContext, detail: SplitDetail): readonly string[] | undefined {
  return options.pushdown.columns?.filter((name) => !Object.hasOwn(detail.partition, name))
}

/** Lines of a part that does not begin the file cannot be counted. */
function knowsLines({ range }: SplitDetail): boolean {
  return range === null || range[0] === 0
}

function rejecter(open: OpenContext, detail: SplitDetail): DecoderOptions['reject'] {
  const { rejected, step } = open.context
  if (rejected === undefined) return undefined
  const knowsLine = open.options.formats.of(detail.path).kind === 'random' || knowsLines(detail)
  return (record: RejectedRecord) => {
    const raw = record.raw.subarray(0, RAW_BYTES_MAX)
    rejected({
      source: step,
      raw: Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('utf8'),
      reason: record.reason,
      code: record.code,
      file: detail.path,
      line: knowsLine ? record.line : undefined,
      byte: record.byte,
    })
  }
}
