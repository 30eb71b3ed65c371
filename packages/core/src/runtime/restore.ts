/**
 * Puts an execution back where a manifest says it was.
 *
 * Nothing is restored in part: before the first row goes back, every table of the checkpoint has a place in the pipeline,
 * or the start is refused with what does not fit (law L7).
 */
import { StateFileReader } from '../checkpoint/index.ts'
import type { CheckpointStore, Manifest, StatePart } from '../checkpoint/index.ts'
import { fieldToString } from '../data/index.ts'
import { endRestore, restoreRows, statesOf } from '../engine/index.ts'
import type { Execution } from '../engine/index.ts'
import { MillraceError } from '../errors.ts'
import type { ByteChecks } from '../host/host.ts'

/**
 * Restores all steps; before any of them runs.
 *
 * @throws MillraceError `checkpoint/incompatible` when the pipeline has other state, `checkpoint/damaged`.
 */
export async function restoreExecution(
  execution: Execution,
  manifest: Manifest,
  { store, checks }: { readonly store: CheckpointStore; readonly checks: ByteChecks },
): Promise<void> {
  const readers = await Promise.all(
    manifest.state.map(async (file) => ({
      step: file.step,
      reader: await StateFileReader.open(store, file, checks),
    })),
  )
  const known = statesOf(execution)
  for (const { step, reader } of readers) refuseMisfit(step, reader.parts, known.get(step))
  for (const { step, reader } of readers) {
    for await (const rows of reader.read()) restoreRows(execution, step, rows)
  }
  const watermarks = Object.entries(manifest.watermarks).map(([step, of]) => [step, watermarkOf(of)] as const)
  endRestore(execution, new Map(watermarks))
}

function watermarkOf(text: number | '-inf' | '+inf'): number {
  if (text === '+inf') return Infinity
  return text === '-inf' ? -Infinity : text
}

function refuseMisfit(
  step: string,
  kept: readonly StatePart[],
  expected: readonly StatePart[] | undefined,
): void {
  if (expected === undefined) {
    throw incompatible(step, `the checkpoint has state of step "${step}", and the pipeline has no such step`)
  }
  for (const { name, schema } of kept) {
    const now = expected.find((part) => part.name === name)
    if (now === undefined)
      throw incompatible(step, `the checkpoint has a table "${name}" of the step, and the step has none`)
    const before = schema.fields.map(fieldToString).join(', ')
    const after = now.schema.fields.map(fieldToString).join(', ')
    if (before !== after) throw incompatible(step, `its table "${name}" was (${before}) and is (${after})`)
  }
}

function incompatible(step: string, detail: string): MillraceError {
  return new MillraceError('checkpoint/incompatible', {
    what: `the pipeline cannot go on with the state of step "${step}"`,
    detail,
    hint: 'run the pipeline that wrote it; or give changed steps new names and begin in an empty state directory, which reads the input again from its beginning',
    step,
  })
}
