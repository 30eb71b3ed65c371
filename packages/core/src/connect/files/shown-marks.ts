/**
 * Which epochs an output shows, written down beside its staged files: finished files may be taken away by others as soon
 * as they are there, and a later attempt that has to commit them again must not take them for lost.
 *
 * One file per attempt, in lines with a checksum each, that is only added to and begun anew when it is long. A mark says
 * that a task has shown all of its epochs up to one, since epochs are committed in order. Invariants (tests quote them):
 *  SM1  What `note` has answered for is known to every later attempt, after any loss of power.
 *  SM2  A mark goes only when it is no news to those who stay: to the attempt that removes it, or to the log.
 */
import type { Host, OpenFile } from '../../host/host.ts'
import { systemCode } from './file-errors.ts'
import { joinPath, lastSegment } from './file-name.ts'
import { originOfFinished, shownName, writerOfShown } from './output-name.ts'
import type { OutputWriter } from './output-name.ts'

/** Beyond that a file of marks is begun anew. */
const LOG_BYTES_MAX = 64 * 1024

/** The newest epoch that is shown, by writer and task. */
type Epochs = Map<string, number>

interface Line {
  readonly id: string
  readonly epoch: number
  readonly tasks: readonly number[]
}

/** The marks of one output's writer. */
export class ShownMarks {
  readonly #host: Host
  /** The folder of staged files. */
  readonly #folder: string
  readonly #writer: OutputWriter
  /** Writers of this job: ours, and those of histories that were left for it. */
  readonly #ids: ReadonlySet<string>
  /** What this attempt has noted, and what it has read before its own file. */
  readonly #own: Epochs = new Map()
  #others: Promise<Epochs> | undefined
  #file: OpenFile | undefined
  #bytes = 0

  constructor(
    host: Host,
    folder: string,
    options: { readonly writer: OutputWriter; readonly left: ReadonlySet<string> },
  ) {
    this.#host = host
    this.#folder = folder
    this.#writer = options.writer
    this.#ids = new Set([options.writer.id, ...options.left])
  }

  /** Whether this attempt knows a finished file, by its path, to have been shown. */
  isOwn(final: string): boolean {
    return isIn(this.#own, final)
  }

  /** Whether anyone knows it; what others have noted is read once until `lookAgain`. */
  async has(final: string): Promise<boolean> {
    if (this.isOwn(final)) return true
    this.#others ??= this.#readAll()
    return isIn(await this.#others, final)
  }

  /** Reads again what others have noted, when it is needed. */
  lookAgain(): void {
    this.#others = undefined
  }

  /** Notes durably that these files are shown, and with them all of their tasks' epochs (SM1). */
  async note(finals: readonly string[]): Promise<void> {
    const news: Epochs = new Map()
    for (const final of finals) if (!this.isOwn(final)) add(news, originOfFinished(lastSegment(final)))
    if (news.size === 0) return
    try {
      if (this.#file === undefined || this.#bytes > LOG_BYTES_MAX) await this.#begin(news)
      else await this.#append(this.#file, news)
    } catch (error) {
      // After a failed sync nobody knows what is there: the next try begins a file.
      await this.#leave().catch(() => undefined)
      throw error
    }
    merge(this.#own, news)
  }

  /** Removes marks of earlier attempts that nobody needs (SM2); `keep`: finished files that a checkpoint names. */
  async sweep(names: readonly string[], keep: readonly string[]): Promise<void> {
    const older = names.filter((name) => this.#isEarlier(name))
    // What is not ours may still be shown by one of them, and marked.
    if (older.length === 0 || !keep.every((final) => this.isOwn(final))) return
    for (const name of older) await this.#remove(name)
  }

  /** The run has ended well, and its log knows it: removes all marks. */
  async end(): Promise<void> {
    await this.#leave()
    for (const name of await this.#names()) if (this.#isEarlier(name)) await this.#remove(name)
    await this.#remove(shownName(this.#writer))
    this.#own.clear()
  }

  /** Frees the handle. */
  async close(): Promise<void> {
    await this.#leave().catch(() => undefined)
  }

  #isEarlier(name: string): boolean {
    const writer = writerOfShown(name)
    return writer !== undefined && this.#ids.has(writer.id) && writer.attempt < this.#writer.attempt
  }

  /** Begins a file with everything that is known: where it stands, it stands for those before it. */
  async #begin(news: Epochs): Promise<void> {
    await this.#leave()
    merge(this.#own, await this.#readAll())
    const { files } = this.#host
    const path = joinPath(this.#folder, shownName(this.#writer))
    const file = await files.open(`${path}.draft`, 'overwrite')
    this.#file = file
    this.#bytes = 0
    await this.#append(file, merge(new Map(this.#own), news))
    await files.rename(`${path}.draft`, path)
    await files.syncDirectory(this.#folder)
  }

  async #append(file: OpenFile, epochs: Epochs): Promise<void> {
    const bytes = Buffer.from(linesOf(epochs).map((line) => this.#encode(line)).join('')) // prettier-ignore
    this.#bytes += bytes.length
    await file.write(bytes)
    await file.sync()
  }

  async #leave(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  async #names(): Promise<readonly string[]> {
    return (await this.#host.files.list(this.#folder)).map(({ name }) => name)
  }

  async #readAll(): Promise<Epochs> {
    const epochs: Epochs = new Map()
    for (const name of await this.#names())
      if (this.#ids.has(writerOfShown(name)?.id ?? '')) merge(epochs, await this.#read(name))
    return epochs
  }

  async #read(name: string): Promise<Epochs> {
    const epochs: Epochs = new Map()
    let text: string
    try {
      text = await this.#text(joinPath(this.#folder, name))
    } catch (error) {
      // Removed by who needs it no more.
      if (systemCode(error) === 'ENOENT') return epochs
      throw error
    }
    for (const line of text.split('\n')) {
      const decoded = this.#decode(line)
      // What is behind a line that is not whole was not answered for.
      if (decoded === undefined) break
      for (const task of decoded.tasks) add(epochs, { writer: decoded.id, epoch: decoded.epoch, task })
    }
    return epochs
  }

  async #text(path: string): Promise<string> {
    const file = await this.#host.files.open(path, 'read')
    try {
      const { size } = await file.status()
      const bytes = Buffer.alloc(size)
      let length = 0
      for (let count = -1; count !== 0 && length < size; length += count)
        count = await file.read(bytes, length, size - length, length)
      return bytes.toString('utf8', 0, length)
    } finally {
      await file.close()
    }
  }

  #encode(line: Line): string {
    const text = JSON.stringify(line)
    return `${this.#checksum(text)} ${text}\n`
  }

  #decode(line: string): Line | undefined {
    const space = line.indexOf(' ')
    const text = line.slice(space + 1)
    return space > 0 && line.slice(0, space) === this.#checksum(text) ? (JSON.parse(text) as Line) : undefined
  }

  #checksum(text: string): string {
    return this.#host.bytes.crc32(Buffer.from(text)).toString(16).padStart(8, '0')
  }

  async #remove(name: string): Promise<void> {
    try {
      await this.#host.files.remove(joinPath(this.#folder, name))
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error
    }
  }
}

type Part = { readonly writer: string; readonly epoch: number; readonly task: number }

function isIn(epochs: Epochs, final: string): boolean {
  const part = originOfFinished(lastSegment(final))
  return part !== undefined && (epochs.get(`${part.writer}/${part.task}`) ?? -1) >= part.epoch
}

function add(epochs: Epochs, part: Part | undefined): void {
  if (part === undefined) return
  const key = `${part.writer}/${part.task}`
  epochs.set(key, Math.max(epochs.get(key) ?? -1, part.epoch))
}

function merge(epochs: Epochs, others: Epochs): Epochs {
  for (const [key, epoch] of others) epochs.set(key, Math.max(epochs.get(key) ?? -1, epoch))
  return epochs
}

/** Tasks of one epoch share a line. */
function linesOf(epochs: Epochs): readonly Line[] {
  const tasks = new Map<string, { id: string; epoch: number; tasks: number[] }>()
  for (const [key, epoch] of epochs) {
    const [id = '', task] = key.split('/')
    const line = tasks.get(`${id}/${epoch}`) ?? { id, epoch, tasks: [] }
    line.tasks.push(Number(task))
    tasks.set(`${id}/${epoch}`, line)
  }
  return Array.from(tasks.values())
}
