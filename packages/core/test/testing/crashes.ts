/** What tests on a disk that loses power share. */
import fc from 'fast-check'
import type { Files } from '../../src/host/host.ts'
import { PowerLost } from '../../src/testing/simulated-disk.ts'
import type { Choose } from '../../src/testing/simulated-disk.ts'

/** The seed of the suite: `npm run explore` gives it another one. */
export const suiteSeed: number = fc.readConfigureGlobal().seed ?? 1

/** The choices of a seed. */
export function randomOf(seed: number): Choose {
  let state = Math.imul(seed, 2_654_435_761)
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >>> 8) % below
  }
}

/** Whether the power failed, whatever was made of it on the way up. */
export function isPowerLost(error: unknown): boolean {
  return error instanceof PowerLost || (error instanceof Error && isPowerLost(error.cause))
}

/** Files that do not keep a promise. */
export type Lie = (files: Files) => Files

/** The truth. */
export const noLie: Lie = (files) => files

/** Files that say that they were synced. */
export const withoutFileSync: Lie = (files) =>
  overlay(files, {
    open: async (path, mode) => Object.assign(await files.open(path, mode), { sync: async () => undefined }),
  })

/** Directories that say that they were synced. */
export const withoutDirectorySync: Lie = (files) => overlay(files, { syncDirectory: async () => undefined })

/** The same object, some of whose methods do something else. */
export function overlay<Type extends object>(target: Type, changes: Partial<Type>): Type {
  return new Proxy(target, {
    get(of, name: keyof Type & string) {
      const found = changes[name] ?? of[name]
      return typeof found === 'function' ? (found.bind(of) as unknown) : found
    },
  })
}
