/**
 * Files of state: the logical records of one step as column batches, by ranges of key groups.
 *
 * A file has parts (the tables of a step, such as its windows and its timers), each with a schema, and blocks, each a
 * batch of one part for some key groups. The footer says where they are, so that a reader takes the key groups that it
 * owns and leaves the rest. Bytes: docs/internals/checkpoints.md.
 *
 * Invariants (tests quote them):
 *  SF1  Checksums cover the file's name: a whole file under another name is damage.
 *  SF2  The reference in a manifest fixes every byte: the checksum of the footer, which has those of all blocks.
 *  SF3  A reader gives whole, checked batches, or an error with the place; never rows of a damaged block.
 */
import { decodeBatch, encodeBatch, rowCount, schemaFromJson, schemaToJson } from '../data/index.ts'
import type { Batch, Json, Schema } from '../data/index.ts'
import { assert, MillraceError } from '../errors.ts'
import type { ByteChecks } from '../host/host.ts'
import type { StateFileReference } from './entry.ts'
import type { CheckpointStore, StoreWriter } from './store.ts'

/** First key group, and the one behind the last. */
export type GroupRange = readonly [number, number]

/** One table of a step's state. */
export interface StatePart {
  readonly name: string
  readonly schema: Schema
}

/** Rows of one part. */
export interface StateRows {
  readonly part: string
  readonly groups: GroupRange
  readonly batch: Batch
  /** Rows behind this batch that go into the same table of records as its last row: room is made for them at once. */
  readonly following?: number | undefined
}

/** What a finished file is known by. */
export type FinishedStateFile = Pick<StateFileReference, 'name' | 'bytes' | 'checksum'>

/** Part, offset, length, checksum, first key group, the one behind the last, rows, rows that follow if any. */
type BlockEntry = readonly [number, number, number, number, number, number, number, number?]

/** A block as it lies in a file. */
interface Block {
  readonly at: number
  readonly block: BlockEntry
  readonly bytes: Uint8Array
}

const FORMAT = 1
const MAGIC = Buffer.from('MRST', 'latin1')
/** Bytes that are read when a file is opened: trailer and footer, and all of a small file. */
const TAIL_BYTES = 32 * 1024
/** Bytes that are read at once, but for a block that has more. */
const PIECE_BYTES = 4 * 2 ** 20
/** Magic, version, length of the footer. */
const TRAILER_BYTES = 12

/** What a file is written with. */
export interface StateFileOptions {
  readonly checks: ByteChecks
  readonly parts: readonly StatePart[]
  /** What the state means, for whoever restores it with another program. */
  readonly about?: Json | undefined
}

/** Writes one file. */
export class StateFileWriter {
  readonly #name: string
  readonly #writer: StoreWriter
  readonly #checks: ByteChecks
  readonly #parts: readonly StatePart[]
  readonly #about: Json | undefined
  readonly #blocks: BlockEntry[] = []
  #offset = 0
  /** The block that is on its way: the next one is made meanwhile. */
  #writing: Promise<void> = Promise.resolve()

  private constructor(name: string, writer: StoreWriter, { checks, parts, about }: StateFileOptions) {
    this.#name = name
    this.#writer = writer
    this.#checks = checks
    this.#parts = parts
    this.#about = about
  }

  /** Begins a file under a name that no one else uses. */
  static async begin(
    store: CheckpointStore,
    name: string,
    options: StateFileOptions,
  ): Promise<StateFileWriter> {
    return new StateFileWriter(name, await store.write(name), options)
  }

  /** Bytes of the rows so far. */
  get bytes(): number {
    return this.#offset
  }

  /** Adds rows; the batch may be used again when this has resolved. */
  async append({ part, groups, batch, following }: StateRows): Promise<void> {
    const at = this.#parts.findIndex(({ name }) => name === part)
    assert(at >= 0, `a state file has no part "${part}"`)
    if (rowCount(batch) === 0) return
    await this.#appendBlock([at, groups[0], groups[1], rowCount(batch), following], encodeBatch(batch))
  }

  /** Adds all blocks of a file with the same parts, as they are. */
  async appendFile(reader: StateFileReader): Promise<void> {
    assert(sameParts(reader.parts, this.#parts), `state file "${this.#name}" gets blocks of other parts`)
    for await (const { block, bytes } of reader.blocks()) {
      const [part, , , , first, end, rows, following] = block
      await this.#appendBlock([part, first, end, rows, following], bytes)
    }
  }

  async #appendBlock(
    [part, first, end, rows, following = 0]: readonly [number, number, number, number, number | undefined],
    bytes: Uint8Array,
  ): Promise<void> {
    const checksum = checksumOfBlock(this.#checks, this.#name, this.#blocks.length, bytes)
    const entry = [part, this.#offset, bytes.length, checksum, first, end, rows] as const
    this.#blocks.push(following > 0 ? [...entry, following] : entry)
    this.#offset += bytes.length
    await this.#writing
    this.#writing = this.#writer.append(bytes)
    // Whoever goes on is told: the next block, or the end.
    this.#writing.catch(() => undefined)
  }

  /** Makes the file appear, whole and durable. */
  async finish(): Promise<FinishedStateFile> {
    const parts = this.#parts.map(({ name, schema }) => ({ name, schema: schemaToJson(schema) }))
    const footer = Buffer.from(JSON.stringify({ about: this.#about, parts, blocks: this.#blocks }), 'utf8')
    const trailer = Buffer.alloc(TRAILER_BYTES)
    MAGIC.copy(trailer)
    trailer.writeUInt32LE(FORMAT, 4)
    trailer.writeUInt32LE(footer.length, 8)
    await this.#writing
    await this.#writer.append(footer)
    await this.#writer.append(trailer)
    await this.#writer.finish()
    const bytes = this.#offset + footer.length + TRAILER_BYTES
    return { name: this.#name, bytes, checksum: checksumOfFooter(this.#checks, this.#name, footer) }
  }

  /** Gives up: no file appears. */
  async abort(): Promise<void> {
    await this.#writing.catch(() => undefined)
    await this.#writer.abort()
  }
}

/** Reads one file that a manifest refers to. */
export class StateFileReader {
  readonly parts: readonly StatePart[]
  /** What the state means, as its writer said it; undefined: it said nothing. */
  readonly about: Json | undefined
  readonly #store: CheckpointStore
  readonly #name: string
  readonly #checks: ByteChecks
  readonly #blocks: readonly BlockEntry[]
  /** The bytes of a small file. */
  readonly #all: Buffer | undefined

  private constructor(
    store: CheckpointStore,
    name: string,
    options: {
      readonly checks: ByteChecks
      readonly parts: readonly StatePart[]
      readonly about: Json | undefined
      readonly blocks: readonly BlockEntry[]
      readonly all: Buffer | undefined
    },
  ) {
    this.#store = store
    this.#name = name
    this.#checks = options.checks
    this.parts = options.parts
    this.about = options.about
    this.#blocks = options.blocks
    this.#all = options.all
  }

  /**
   * Opens a file and checks its footer (SF2).
   *
   * @throws MillraceError `checkpoint/damaged` when it is missing, of another length or not what was written.
   */
  static async open(
    store: CheckpointStore,
    reference: FinishedStateFile,
    checks: ByteChecks,
  ): Promise<StateFileReader> {
    const { name, bytes, checksum } = reference
    const refuse = (reason: string): MillraceError => damaged(store, name, reason)
    if (bytes < TRAILER_BYTES) throw refuse('the manifest gives it no room for a footer')
    const tailStart = Math.max(0, bytes - TAIL_BYTES)
    const tail = await readExactly(store, name, tailStart, bytes - tailStart)
    const trailer = tail.subarray(-TRAILER_BYTES)
    if (!trailer.subarray(0, 4).equals(MAGIC)) throw refuse('it does not end as a state file does')
    const version = trailer.readUInt32LE(4)
    if (version !== FORMAT) throw newer(store, name, version)
    const length = trailer.readUInt32LE(8)
    if (length > bytes - TRAILER_BYTES) throw refuse('its footer is longer than the file')
    const footerStart = bytes - TRAILER_BYTES - length
    const footer =
      footerStart >= tailStart
        ? tail.subarray(footerStart - tailStart, -TRAILER_BYTES)
        : await readExactly(store, name, footerStart, length)
    if (checksumOfFooter(checks, name, footer) !== checksum)
      throw refuse('the checksum of its footer does not fit')
    const { about, parts, blocks } = JSON.parse(footer.toString('utf8')) as {
      readonly about?: Json
      readonly parts: readonly { readonly name: string; readonly schema: Json }[]
      readonly blocks: readonly BlockEntry[]
    }
    return new StateFileReader(store, name, {
      checks,
      about,
      blocks,
      all: tailStart === 0 ? tail : undefined,
      parts: parts.map((part) => ({ name: part.name, schema: schemaFromJson(part.schema) })),
    })
  }

  /**
   * The rows of blocks that touch a range of key groups, in the order in which they were written. Blocks on the edge
   * of the range hold rows of other groups, too: whoever restores takes only its own.
   *
   * @throws MillraceError `checkpoint/damaged` for a block that is not what was written (SF3).
   */
  async *read(range?: GroupRange): AsyncGenerator<StateRows> {
    for await (const { at, block, bytes } of this.blocks(range)) {
      const [partAt, , , , first, end, rows, following = 0] = block
      const part = this.parts[partAt]
      assert(part !== undefined, `block ${at} of state file "${this.#name}" belongs to no part`)
      const batch = decodeBatch(bytes, part.schema)
      assert(
        rowCount(batch) === rows,
        `block ${at} of state file "${this.#name}" has other rows than its footer says`,
      )
      yield { part: part.name, groups: [first, end], batch, following }
    }
  }

  /**
   * Reads every block and compares checksums, without a look at the rows; false when it was asked to end before.
   *
   * @throws MillraceError `checkpoint/damaged` for a block that is not what was written (SF3).
   */
  async verify(isEnough: () => boolean): Promise<boolean> {
    for await (const _ of this.blocks()) if (isEnough()) return false
    return true
  }

  /**
   * The bytes of blocks that touch a range of key groups, checked (SF3). While some are used, the next ones are on their way.
   *
   * @throws MillraceError `checkpoint/damaged`.
   */
  async *blocks(range?: GroupRange): AsyncGenerator<Block> {
    const wanted = Array.from(this.#blocks.keys()).filter((at) =>
      touches(this.#blocks[at] as BlockEntry, range),
    )
    const pieces = piecesOf(wanted, this.#blocks)
    let next = this.#fetch(pieces[0])
    for (const [n, piece] of pieces.entries()) {
      const bytes = await next
      next = this.#fetch(pieces[n + 1])
      // It is looked at when its turn comes, unless nobody wants more.
      next.catch(() => undefined)
      for (const at of piece.blocks) {
        const block = this.#blocks[at] as BlockEntry
        const [, offset, length, checksum] = block
        const own = bytes.subarray(offset - piece.start, offset - piece.start + length)
        if (checksumOfBlock(this.#checks, this.#name, at, own) !== checksum)
          throw damaged(this.#store, this.#name, `the checksum of block ${at} at byte ${offset} does not fit`)
        yield { at, block, bytes: own }
      }
    }
  }

  #fetch(piece: Piece | undefined): Promise<Buffer> {
    if (piece === undefined) return Promise.resolve(Buffer.alloc(0))
    if (this.#all !== undefined) return Promise.resolve(this.#all.subarray(piece.start, piece.end))
    return readExactly(this.#store, this.#name, piece.start, piece.end - piece.start)
  }
}

/** Some blocks that stand together. */
interface Piece {
  readonly blocks: number[]
  readonly start: number
  end: number
}

/** Blocks that are read at once: neither a request for each, nor much in memory at a time. */
function piecesOf(wanted: readonly number[], blocks: readonly BlockEntry[]): readonly Piece[] {
  const pieces: Piece[] = []
  for (const at of wanted) {
    const [, offset, length] = blocks[at] as BlockEntry
    const last = pieces.at(-1)
    if (last !== undefined && last.end === offset && offset + length - last.start <= PIECE_BYTES) {
      last.blocks.push(at)
      last.end = offset + length
    } else pieces.push({ blocks: [at], start: offset, end: offset + length })
  }
  return pieces
}

function sameParts(left: readonly StatePart[], right: readonly StatePart[]): boolean {
  const textOf = (parts: readonly StatePart[]): string =>
    JSON.stringify(parts.map(({ name, schema }) => [name, schemaToJson(schema)]))
  return textOf(left) === textOf(right)
}

function touches([, , , , first, end]: BlockEntry, range: GroupRange | undefined): boolean {
  return range === undefined || (end > range[0] && first < range[1])
}

function checksumOfBlock(checks: ByteChecks, name: string, at: number, bytes: Uint8Array): number {
  return checks.crc32(bytes, checks.crc32(Buffer.from(`${name} ${at}`, 'utf8')))
}

function checksumOfFooter(checks: ByteChecks, name: string, footer: Uint8Array): string {
  return checks.sha256([Buffer.from(`${name}\n`, 'utf8'), footer])
}

/** Its own memory, from an offset of 0: decoding makes views that have to be aligned. */
async function readExactly(
  store: CheckpointStore,
  name: string,
  start: number,
  length: number,
): Promise<Buffer> {
  const bytes = await store.read(name, { start, end: start + length })
  if (bytes === undefined) throw damaged(store, name, 'it is missing')
  if (bytes.length !== length)
    throw damaged(store, name, `it ends at byte ${start + bytes.length}, inside what the manifest says of it`)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function damaged(store: CheckpointStore, name: string, reason: string): MillraceError {
  return new MillraceError('checkpoint/damaged', {
    what: 'a state file of a checkpoint is damaged',
    detail: reason,
    hint: 'restore the file from a copy, or start from an earlier epoch with --from, which repeats the output since then',
    place: { file: `${store.place}/${name}` },
  })
}

function newer(store: CheckpointStore, name: string, version: number): MillraceError {
  return new MillraceError('checkpoint/newer-format', {
    what: `a state file was written in format ${version}, this release reads ${FORMAT}`,
    hint: 'run the release that wrote it, or a newer one',
    place: { file: `${store.place}/${name}` },
  })
}
