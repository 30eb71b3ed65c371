/**
 * The engine's only door to the outside (law L4): clock, timers, random, files, compression, processes.
 *
 * Everything under packages/core reaches time, randomness, files, network and threads through a Host
 * that it was given. `host/node` is the real one; the simulated one in `testing` makes a seed fix a whole run (law L5).
 */

/** Reads of time. */
export interface Clock {
  /** Wall clock, milliseconds since 1970 UTC. May jump. */
  now(): number
  /** Monotonic milliseconds with a fraction, from an unspecified start. */
  monotonic(): number
  /** User plus system CPU time of the process in milliseconds. */
  cpu(): number
}

/** A timer that was set; clearing it twice or after it fired does nothing. */
export interface Timer {
  clear(): void
}

/** Waiting. */
export interface Timers {
  /** Calls back once after at least `delayMs`. */
  set(delayMs: number, callback: () => void): Timer
  /** Resolves after pending I/O callbacks had a turn. */
  yield(): Promise<void>
}

/** Random bits for identifiers; never for results. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** A lower-case hexadecimal string of `bytes` random bytes. */
  hex(bytes: number): string
}

/** What is known of a file or directory without opening it. */
export interface FileStatus {
  readonly kind: 'file' | 'directory' | 'other'
  readonly size: number
  readonly modifiedMs: number
  /**
   * Identity of the file behind the name, device and inode with a colon between: tells a replaced file from a grown one.
   * Behind another colon when it was made, where that is known: inodes are used again.
   */
  readonly identity: string
  /** Names that the file has: 0 when it was deleted and is open still. Undefined: the system does not tell. */
  readonly links?: number
}

/** An open file. Every method rejects with the system's error (`code` such as ENOENT, EACCES, ENOSPC). */
export interface OpenFile {
  /** Reads up to `length` bytes at `position` into `target[offset…]`; resolves to the bytes read, 0 at the end. */
  read(target: Uint8Array, offset: number, length: number, position: number): Promise<number>
  /** Appends (or writes at `position`) all of `bytes`; short writes are continued. */
  write(bytes: Uint8Array, position?: number): Promise<void>
  truncate(length: number): Promise<void>
  status(): Promise<FileStatus>
  /** Makes the file's content durable (fsync). After an error the file must be given up, never synced again. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** How to open: `read`; `create` a new file, failing if it exists; `append` to one, creating it; `overwrite`. */
export type OpenMode = 'read' | 'create' | 'append' | 'overwrite'

/** Files, by absolute or working-directory-relative path with `/` as separator. */
export interface Files {
  open(path: string, mode: OpenMode): Promise<OpenFile>
  /** The status, or undefined when nothing has that name. */
  status(path: string): Promise<FileStatus | undefined>
  /** Names (not paths) in a directory, sorted bytewise, with their kind. */
  list(path: string): Promise<readonly { readonly name: string; readonly kind: FileStatus['kind'] }[]>
  makeDirectory(path: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** A second name for a file; rejects with EEXIST when `to` exists. */
  link(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  removeDirectory(path: string, options?: { readonly recursive?: boolean }): Promise<void>
  /** Makes the entries of a directory durable. */
  syncDirectory(path: string): Promise<void>
  /** The path made absolute, with the links in it followed as far as it exists. Never rejects. */
  real(path: string): Promise<string>
  /** The path made absolute and free of `.` and `..`. */
  resolve(path: string): string
}

/** A streaming compressor or decompressor. */
export interface CompressionStream {
  /** Feeds bytes and resolves to what came out so far (possibly empty). Rejects on damaged input. */
  push(bytes: Uint8Array): Promise<Uint8Array>
  /** Ends the stream and resolves to the rest. Rejects when compressed input ended too early. */
  end(): Promise<Uint8Array>
}

/** Codecs of whole streams and of single blocks. */
export interface Compression {
  compressor(codec: 'gzip' | 'zstd'): CompressionStream
  decompressor(codec: 'gzip' | 'zstd'): CompressionStream
  /** One block, synchronously (Parquet pages). `size` is the expected size of the output. */
  decompressBlock(
    codec: 'gzip' | 'zstd' | 'snappy' | 'brotli' | 'lz4',
    bytes: Uint8Array,
    size: number,
  ): Uint8Array
  compressBlock(codec: 'gzip' | 'zstd' | 'snappy', bytes: Uint8Array): Uint8Array
}

/** Checks of bytes that a platform does faster than JavaScript can. Pure: they reach nothing outside. */
export interface ByteChecks {
  isUtf8(bytes: Uint8Array): boolean
  /** SHA-256 of the pieces one after the other, as 64 hexadecimal digits. */
  sha256(pieces: readonly Uint8Array[]): string
  /** CRC-32 (IEEE 802.3), continued from `before`, which is that of the bytes so far. */
  crc32(bytes: Uint8Array, before?: number): number
}

/** Where text for people goes. */
export interface Terminal {
  write(text: string): void
}

/** A process in words that can be written down. Empty texts: this system does not tell. */
export interface ProcessIdentity {
  /** The machine's name. */
  readonly machine: string
  /** The boot of its kernel. */
  readonly boot: string
  /** Where `pid` counts: a container has a space of its own. */
  readonly space: string
  readonly pid: number
  /** When it began: tells it from a later process with the same number. */
  readonly start: string
}

/** Which processes run. */
export interface Processes {
  self(): Promise<ProcessIdentity>
  /** `dead` only when that is certain; `unknown` for a process of another machine, boot or space. */
  state(of: ProcessIdentity): Promise<'alive' | 'dead' | 'unknown'>
}

/** A request over HTTP. */
export interface HttpRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** For all of it, up to the last byte of the answer that is read. */
  readonly timeoutMs: number
  /** Bytes of the answer's body that are read, at most; the rest is thrown away. */
  readonly answerBytesMax: number
}

/** What came back, whatever its status. */
export interface HttpAnswer {
  readonly status: number
  /** By its name in any case. */
  header(name: string): string | undefined
  readonly body: Uint8Array
}

/** Requests to other machines. */
export interface Http {
  /** Sends once, and follows no redirection. Rejects when no answer came: whether it was received is not known. */
  request(request: HttpRequest): Promise<HttpAnswer>
}

/** What the process was started with. */
export interface Environment {
  /** The value of a variable. May be a secret: not for plans, logs or errors. */
  get(name: string): string | undefined
}

/** All doors together. */
export interface Host {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly files: Files
  readonly compression: Compression
  readonly bytes: ByteChecks
  readonly terminal: Terminal
  readonly processes: Processes
  readonly http: Http
  readonly environment: Environment
}
