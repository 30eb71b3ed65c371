/**
 * Finds and checks the footer of a Parquet file: magic, length, and that every offset and count in it is possible.
 *
 * After this, offsets lie inside the file and counts agree with each other, so that readers may rely on them.
 */
import { MillraceError, withContext } from '../../../errors.ts'
import type { RandomAccessFile } from '../../format.ts'
import { damaged, located, truncated, unsupported } from './damage.ts'
import { decodeMetadata } from './metadata.ts'
import type { ColumnChunk, FileMetadata } from './metadata.ts'
import { MAGIC } from './vocabulary.ts'

/** Bytes read from the end of the file at first: enough for most footers. */
const TAIL_BYTES = 64 * 1024

/** Larger footers than this are taken for damage. */
const FOOTER_BYTES_MAX = 256 * 1024 * 1024

/** Reads the footer. Throws input/truncated, input/corrupt or input/unsupported with the file's name. */
export async function readFooter(file: RandomAccessFile): Promise<FileMetadata> {
  try {
    const metadata = decodeMetadata(await footerBytes(file))
    check(metadata, file.size)
    return metadata
  } catch (error) {
    throw located(error, { file: file.name })
  }
}

async function readRange(file: RandomAccessFile, position: number, length: number): Promise<Uint8Array> {
  try {
    return await file.read(position, length)
  } catch (error) {
    throw readFailure(error, file.name)
  }
}

/** An error of the file itself, as opposed to its content. */
export function readFailure(error: unknown, name: string): unknown {
  const known = withContext(error, { place: { file: name } })
  if (known instanceof MillraceError) return known
  return new MillraceError('input/read-failed', {
    what: 'reading a Parquet file failed',
    detail: error instanceof Error ? error.message : String(error),
    place: { file: name },
    cause: error,
  })
}

async function footerBytes(file: RandomAccessFile): Promise<Uint8Array> {
  if (file.size < 12) {
    const start = await readRange(file, 0, file.size)
    if (file.size === 0) throw truncated('it is empty')
    if (startsWithMagic(start, Math.min(4, file.size))) throw truncated(`it has only ${file.size} bytes`)
    throw notParquet()
  }
  const tailLength = Math.min(TAIL_BYTES, file.size)
  const tail = await readRange(file, file.size - tailLength, tailLength)
  const magicAt = tail.length - 4
  if (!startsWithMagic(tail.subarray(magicAt), 4)) {
    if (String.fromCharCode(...tail.subarray(magicAt)) === 'PARE')
      throw unsupported('its footer is encrypted')
    const head = await readRange(file, 0, 4)
    throw startsWithMagic(head, 4) ? truncated('it has no footer at its end') : notParquet()
  }
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength)
  const length = view.getUint32(tail.length - 8, true)
  if (length > file.size - 12 || length > FOOTER_BYTES_MAX)
    throw damaged(`the footer should have ${length} bytes, which the file cannot hold`)
  if (length + 8 <= tail.length) return tail.subarray(tail.length - 8 - length, tail.length - 8)
  return readRange(file, file.size - 8 - length, length)
}

function startsWithMagic(bytes: Uint8Array, count: number): boolean {
  for (let index = 0; index < count; index++) if (bytes[index] !== MAGIC[index]) return false
  return true
}

function notParquet(): MillraceError {
  return new MillraceError('input/corrupt', {
    what: 'the file is not a Parquet file',
    detail: 'it neither begins nor ends with PAR1',
    hint: 'name the format of the input, or leave the file out of it',
  })
}

function check(metadata: FileMetadata, fileBytes: number): void {
  if (metadata.encrypted) throw unsupported('the file is encrypted')
  let rows = 0
  for (const group of metadata.groups) {
    rows += group.rows
    // Writers of empty tables give columns without pages no place.
    if (group.rows > 0) for (const chunk of group.columns) checkChunk(chunk, fileBytes)
  }
  if (rows !== metadata.rows)
    throw damaged(`the footer says ${metadata.rows} rows, its row groups have ${rows}`)
}

function checkChunk(chunk: ColumnChunk, fileBytes: number): void {
  if (chunk.encrypted) throw unsupported(`column ${chunk.path.join('.')} is encrypted`)
  if (chunk.filePath !== undefined && chunk.filePath !== '')
    throw unsupported('its columns are in other files')
  const start = chunkStart(chunk)
  if (chunk.type >= 0 && (start < 4 || start + chunk.compressedBytes > fileBytes - 8))
    throw damaged(`column ${chunk.path.join('.')} lies outside the file`)
}

/** Where a column chunk begins: at its dictionary page, when it has one. Some writers say 0 for "none". */
export function chunkStart(chunk: ColumnChunk): number {
  const { dictionaryOffset, dataOffset } = chunk
  return dictionaryOffset !== undefined && dictionaryOffset > 0 && dictionaryOffset < dataOffset
    ? dictionaryOffset
    : dataOffset
}
