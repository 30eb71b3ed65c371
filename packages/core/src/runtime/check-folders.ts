/**
 * Refuses a run whose outputs lie where it reads, or in each other, before anything is opened or made.
 *
 * A pipeline that reads what it writes has no end, and one that overwrites what it reads destroys its input. Paths are
 * compared with links followed, so that two names of one folder are one folder.
 */
import { MillraceError } from '../errors.ts'
import type { Files } from '../host/host.ts'
import type { PlanBindings } from '../plan/logical.ts'

interface Output {
  readonly step: string
  /** As the pipeline says it. */
  readonly path: string
  readonly folder: string
}

/** Throws `output/overlap` for folders that are in each other's way. */
export async function checkFolders(
  { sources, sinks }: Pick<PlanBindings, 'sources' | 'sinks'>,
  files: Files,
): Promise<void> {
  const outputs: Output[] = []
  for (const [step, { folder }] of sinks) {
    if (folder !== undefined) outputs.push({ step, path: folder, folder: await files.real(folder) })
  }
  for (const [at, output] of outputs.entries()) {
    for (const other of outputs.slice(at + 1)) {
      if (isAround(output.folder, other.folder)) throw nestedOutputs(other, output)
      if (isAround(other.folder, output.folder)) throw nestedOutputs(output, other)
    }
    for (const [step, source] of sources) {
      if ((await source.readsIn?.(output.folder, files)) === true) throw readOutput(step, output)
    }
  }
}

/** Whether a folder is another or has it inside, and would show it: names with a dot or underscore are passed over. */
function isAround(folder: string, inner: string): boolean {
  if (inner === folder) return true
  const above = folder.endsWith('/') ? folder : `${folder}/`
  return inner.startsWith(above) && !/(^|\/)[._]/.test(inner.slice(above.length))
}

function nestedOutputs(inner: Output, outer: Output): MillraceError {
  return new MillraceError('output/overlap', {
    what: `output "${inner.path}" lies in output "${outer.path}" of step "${outer.step}"`,
    detail: 'each would find, and with --output-mode overwrite replace, the files of the other',
    hint: 'give them folders beside each other',
    step: inner.step,
    place: { file: inner.path },
  })
}

function readOutput(source: string, output: Output): MillraceError {
  return new MillraceError('output/overlap', {
    what: `output "${output.path}" lies where step "${source}" reads`,
    detail: 'the pipeline would read what it writes, or replace what it reads',
    hint: 'write to a folder that the input path does not lead to',
    step: output.step,
    place: { file: output.path },
  })
}
