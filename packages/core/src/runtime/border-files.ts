/**
 * The files of a border between two phases of a batch run: state files whose parts are channels
 * (docs/internals/checkpoints.md), each of a limited size, in the order in which they were written.
 */
import { StateFileReader, StateFileWriter } from '../checkpoint/index.ts'
import type {
  BorderFileReference,
  CheckpointStore,
  FinishedStateFile,
  StatePart,
  StateRows,
} from '../checkpoint/index.ts'
import type { Json } from '../data/type.ts'
import type { ByteChecks } from '../host/host.ts'

/** Where a file ends and the next one begins: its footer is written from memory, and read into it. */
const FILE_BYTES = 256 * 1024 * 1024

/** What the files of one border are written with. */
export interface BorderFilesOptions {
  readonly store: CheckpointStore
  readonly checks: ByteChecks
  readonly parts: readonly StatePart[]
  /** What the border is. */
  readonly about: Json
  /** A name that no one else uses. */
  readonly newName: () => string
  /** Default 256 MiB. */
  readonly fileBytes?: number | undefined
}

/** Writes the files of one border. */
export class BorderFiles {
  readonly #options: BorderFilesOptions
  readonly #finished: FinishedStateFile[] = []
  #writer: StateFileWriter

  private constructor(options: BorderFilesOptions, writer: StateFileWriter) {
    this.#options = options
    this.#writer = writer
  }

  /** Begins the first one. */
  static async begin(options: BorderFilesOptions): Promise<BorderFiles> {
    return new BorderFiles(options, await next(options))
  }

  /** Adds rows, which are read before this returns. Calls do not overlap. */
  async append(rows: StateRows): Promise<void> {
    await this.#writer.append(rows)
    if (this.#writer.bytes < (this.#options.fileBytes ?? FILE_BYTES)) return
    this.#finished.push(await this.#writer.finish())
    this.#writer = await next(this.#options)
  }

  /** Makes all files appear, durable. */
  async finish(): Promise<readonly FinishedStateFile[]> {
    this.#finished.push(await this.#writer.finish())
    return this.#finished
  }

  /** Gives up the file that is being written. Does nothing after `finish`. */
  async abort(): Promise<void> {
    await this.#writer.abort()
  }
}

function next({ store, newName, checks, parts, about }: BorderFilesOptions): Promise<StateFileWriter> {
  return StateFileWriter.begin(store, newName(), { checks, parts, about })
}

/**
 * The rows of some files, in order.
 *
 * @throws MillraceError `checkpoint/damaged`.
 */
export async function* readBorder(
  files: readonly BorderFileReference[],
  { store, checks }: { readonly store: CheckpointStore; readonly checks: ByteChecks },
): AsyncGenerator<StateRows> {
  for (const file of files) yield* (await StateFileReader.open(store, file, checks)).read()
}
