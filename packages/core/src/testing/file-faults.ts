/**
 * Faults that file systems for tests are told to have: which operation fails, how, and how often.
 */
import type { Files, OpenFile } from '../host/host.ts'

/** What an operation does to a file; the names that faults are given by. */
export type FileOperation = keyof Files | `file-${Exclude<keyof OpenFile, 'close'>}`

/** A fault to inject. */
export interface FileFault {
  readonly operation: FileOperation
  /** Only for paths that match; default all. */
  readonly path?: RegExp
  /** The system's error code: ENOSPC, EACCES, EIO... */
  readonly code: string
  /** How many matching operations succeed before it strikes; default 0. */
  readonly after?: number
  /** How often it strikes; default for ever. */
  readonly times?: number
}

/** The faults of one file system. */
export class FileFaults {
  #faults: { readonly fault: FileFault; seen: number; struck: number }[] = []

  /** Makes matching operations fail from now on. Returns a function that takes the fault away. */
  inject(fault: FileFault): () => void {
    const entry = { fault, seen: 0, struck: 0 }
    this.#faults.push(entry)
    return () => {
      this.#faults = this.#faults.filter((other) => other !== entry)
    }
  }

  /** The error with which this operation fails, if it does. */
  strike(operation: FileOperation, path: string): Error | undefined {
    for (const entry of this.#faults) {
      const { fault } = entry
      if (fault.operation !== operation || fault.path?.test(path) === false) continue
      entry.seen++
      if (entry.seen <= (fault.after ?? 0) || entry.struck >= (fault.times ?? Infinity)) continue
      entry.struck++
      return systemError(fault.code, operation, path)
    }
    return undefined
  }
}

/** An error as the system's own. */
export function systemError(code: string, operation: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${operation} '${path}'`), { code })
}
