/**
 * Finds the input files of a batch run, once; what a look for files needs in any run. One that follows its input is
 * following-enumerator.ts.
 */
import type { FileStatus } from '../../host/host.ts'
import type { SourceContext, Split, SplitEnumerator } from '../source.ts'
import { inputError } from './file-errors.ts'
import { emptyInput, findFiles, strangeInput } from './find-files.ts'
import type { FoundFile } from './find-files.ts'
import { compressionFor, splitsOf } from './file-split.ts'
import type { FileSourceOptions } from './file-source-options.ts'

/** Lists the files of a batch run. */
export function boundedEnumerator(options: FileSourceOptions, context: SourceContext): SplitEnumerator {
  const { files } = context.host
  let done = false
  return {
    async next() {
      if (done) return { splits: [], done }
      const findings = await findFiles(files, options.path, options.formats.isData)
      const [strange] = findings.strange
      if (strange !== undefined) throw await strangeInput(files, strange)
      if (findings.files.length === 0) throw emptyInput(options.path, findings, options.formats.label)
      const splits: Split[] = []
      for (const found of findings.files) {
        const status = await statusOf(context, found.path)
        if (status !== undefined) splits.push(...(await splitsFor(found, status, { options, context })))
      }
      done = true
      return { splits, done }
    },
    async close() {
      done = true
    },
  }
}

/** The status of a listed file; undefined when it has gone meanwhile in a run that follows. */
export async function statusOf(context: SourceContext, path: string): Promise<FileStatus | undefined> {
  try {
    const status = await context.host.files.status(path)
    if (status === undefined && context.boundedness === 'bounded') {
      throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
    }
    return status
  } catch (error) {
    throw inputError(error, path)
  }
}

/** The splits of a file that was found. */
export async function splitsFor(
  found: FoundFile,
  status: FileStatus,
  {
    options,
    context,
    named = {},
  }: {
    readonly options: FileSourceOptions
    readonly context: SourceContext
    readonly named?: { readonly id?: string; readonly mark?: number }
  },
): Promise<Split[]> {
  const follows = context.boundedness === 'unbounded' && options.follow === 'lines'
  const format = options.formats.of(found.path)
  return splitsOf(
    {
      path: found.path,
      partition: found.partition,
      size: status.size,
      identity: status.identity,
      modifiedMs: status.modifiedMs,
      ...named,
    },
    {
      host: context.host,
      format,
      compression: compressionFor(found.path, options.compression),
      splitBytes: follows ? undefined : options.splitBytes,
      grows: follows && format.kind === 'records',
    },
  )
}
