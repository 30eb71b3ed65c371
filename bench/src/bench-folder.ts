/** Where benchmarks keep their input and output: a folder of the system's temporary directory, reused between runs. */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(tmpdir(), 'millrace-bench')

/** The path of a data set's file. */
export function dataPath(name: string): string {
  mkdirSync(ROOT, { recursive: true })
  return join(ROOT, name)
}

/** Removes files of a data set that earlier rules made. */
export function removeOlderData(set: string): void {
  for (const name of readdirSync(ROOT)) {
    if (name.startsWith(`${set}.`)) rmSync(join(ROOT, name))
  }
}

/** A folder of this process for a case's output: removing what another run wrote would be charged to this one. */
export function outputPath(name: string): string {
  const path = join(ROOT, 'out', `${name}-${process.pid}`)
  mkdirSync(path, { recursive: true })
  return path
}

/** Removes this process's output, once it no longer counts. */
export function removeOutput(): void {
  const root = join(ROOT, 'out')
  for (const name of existsSync(root) ? readdirSync(root) : []) {
    if (name.endsWith(`-${process.pid}`)) rmSync(join(root, name), { recursive: true })
  }
}
