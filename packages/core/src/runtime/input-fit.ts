/**
 * Whether a source that reads something else than before can go on with what is kept of what it read. Only then are the
 * rows of its state looked at; its connector says what it thinks of them.
 */
import type { StateFileReader } from '../checkpoint/index.ts'
import { RestoredSource } from '../engine/index.ts'
import type { Files } from '../host/host.ts'
import type { StepMeaning } from '../plan/step-meaning.ts'
import type { Misfit, StateChange } from './column-fit.ts'
import type { ProgramStep } from './state-fit.ts'

/** A source whose input is another by now. */
export type InputFit =
  | { readonly misfit: Misfit; readonly change?: undefined }
  | { readonly misfit?: undefined; readonly change: StateChange }

/** A file of the state of a step; later ones of a step replace rows of earlier ones. */
export interface StepFile {
  readonly step: string
  readonly reader: StateFileReader
}

/** By step: what becomes of sources that read something else than before. */
export async function fitInputs(
  files: readonly StepFile[],
  steps: ReadonlyMap<string, ProgramStep>,
  input: Files,
): Promise<ReadonlyMap<string, InputFit>> {
  const fits = new Map<string, InputFit>()
  for (const [step, program] of steps) {
    const own = files.filter((file) => file.step === step)
    const before = own.at(-1)?.reader.about as StepMeaning | undefined
    const after = program.about
    if (before?.kind !== 'source' || after?.kind !== 'source' || before.connector !== after.connector)
      continue
    if (before.input === undefined || after.input === undefined || before.input === after.input) continue
    const inputs = { before: before.input, after: after.input }
    const reason = await program.source?.goesOnWith?.(await keptBy(own), input)
    fits.set(
      step,
      reason === undefined
        ? { change: { kind: 'reads', state: step, ...inputs } }
        : {
            misfit: {
              step,
              case: 'input',
              isSource: true,
              what: `its input changed, and ${reason}`,
              ...inputs,
            },
          },
    )
  }
  return fits
}

async function keptBy(files: readonly StepFile[]): Promise<Pick<RestoredSource, 'remembered'> & KeptSplits> {
  const restored = new RestoredSource()
  for (const { reader } of files) for await (const rows of reader.read()) restored.take(rows)
  return { remembered: restored.remembered, unfinished: restored.splits }
}

interface KeptSplits {
  readonly unfinished: RestoredSource['splits']
}
