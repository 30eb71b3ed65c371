/** Where benchmarks keep their input and output: a folder of the system's temporary directory, reused between runs. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'

const ROOT = join(tmpdir(), 'millrace-bench')

/** The path of a data set's file. */
export function dataPath(name: string): string {
  mkdirSync(ROOT, { recursive: true })
  return join(ROOT, name)
}

/** Removes data of the kind of `path` that earlier rules made. */
export function removeOlderData(path: string): void {
  for (const name of readdirSync(ROOT)) {
    if (extname(name) === extname(path)) rmSync(join(ROOT, name))
  }
}

/** An empty folder for a case's output. */
export function outputPath(name: string): string {
  const path = join(ROOT, 'out', name)
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { recursive: true })
  return path
}
