/**
 * Puts an execution back where a manifest says it was.
 *
 * Nothing is restored in part: before the first row goes back, every table of the checkpoint has a place in the pipeline,
 * or the start is refused with what does not fit (law L7). What fits is decided by state-fit.ts.
 */
import { StateFileReader } from '../checkpoint/index.ts'
import type { CheckpointStore, Manifest } from '../checkpoint/index.ts'
import { endRestore, restoreRows } from '../engine/index.ts'
import type { Execution } from '../engine/index.ts'
import type { ByteChecks, Files } from '../host/host.ts'
import type { StepMeaning } from '../plan/step-meaning.ts'
import { convertRows } from './state-conversion.ts'
import { fitInputs } from './input-fit.ts'
import { decideStateFit } from './state-fit.ts'
import type { ProgramStep, StateFit, TableFits } from './state-fit.ts'

/** Where a checkpoint lies. */
export interface CheckpointPlace {
  readonly store: CheckpointStore
  readonly checks: ByteChecks
  /** Where sources of files read. */
  readonly input: Files
}

/** What goes on with a checkpoint. */
export interface Successor {
  readonly steps: ReadonlyMap<string, ProgramStep>
  /** Steps whose state may be left out where it does not fit. */
  readonly dropState: ReadonlySet<string>
  /** Steps whose state is left out although it fits (FT4). */
  readonly anew: ReadonlySet<string>
}

/** The files of a checkpoint, and how they fit. */
export interface OpenedCheckpoint {
  readonly fit: StateFit
  /** Steps that begin anew, also such as keep no state. */
  readonly anew: ReadonlySet<string>
  readonly files: readonly {
    readonly step: string
    readonly reader: StateFileReader
    readonly tables: TableFits
  }[]
}

/**
 * Opens the files of a checkpoint and decides whether a program can go on with them; no rows are read.
 *
 * @throws MillraceError `checkpoint/damaged`.
 */
export async function openCheckpoint(
  manifest: Manifest,
  { store, checks, input }: CheckpointPlace,
  { steps, dropState, anew }: Successor,
): Promise<OpenedCheckpoint> {
  const readers = await Promise.all(
    manifest.state.map(async (file) => ({
      step: file.step,
      reader: await StateFileReader.open(store, file, checks),
    })),
  )
  const kept = readers.map(({ step, reader }) => ({
    step,
    parts: reader.parts,
    about: reader.about as unknown as StepMeaning | undefined,
  }))
  const inputs = await fitInputs(readers, steps, input)
  const fit = decideStateFit(kept, steps, dropState, inputs, anew)
  return {
    fit,
    anew,
    files: readers.map((file, at) => ({ ...file, tables: fit.files[at] as TableFits })),
  }
}

/**
 * Restores all steps; before any of them runs. The checkpoint fits.
 *
 * @throws MillraceError `checkpoint/damaged`, `checkpoint/incompatible`; what a migration throws.
 */
export async function restoreExecution(
  execution: Execution,
  manifest: Manifest,
  { files, anew }: OpenedCheckpoint,
): Promise<void> {
  for (const { step, reader, tables } of files) {
    for await (const rows of reader.read()) {
      const fit = tables.get(rows.part)
      if (fit !== undefined) restoreRows(execution, step, convertRows(rows, fit, step))
    }
  }
  const watermarks = Object.entries(manifest.watermarks).map(([step, of]) => [step, watermarkOf(of)] as const)
  // What is read anew has its time before it, but for joins: theirs is that of their stream.
  for (const step of anew) if (execution.node(step).kind !== 'lookup-join') watermarks.push([step, -Infinity])
  endRestore(execution, wasDrained(manifest) ? undefined : new Map(watermarks))
}

/** Whether event time had come to its end: a run that goes on lets it begin anew. */
export function wasDrained({ end, drained }: Manifest): boolean {
  return drained === true || end === 'drained' || end === 'finished'
}

function watermarkOf(text: number | '-inf' | '+inf'): number {
  if (text === '+inf') return Infinity
  return text === '-inf' ? -Infinity : text
}
