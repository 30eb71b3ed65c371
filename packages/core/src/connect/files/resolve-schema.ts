/**
 * The schema of files for which none was declared: from the footer of the first file, or from its first rows.
 */
import { MillraceError } from '../../errors.ts'
import type { Schema } from '../../data/type.ts'
import type { Host } from '../../host/host.ts'
import { openBytes } from './byte-stream.ts'
import { inputError } from './file-errors.ts'
import type { FileSourceOptions } from './file-source-options.ts'
import { compressionFor } from './file-split.ts'
import { emptyInput, findFiles } from './find-files.ts'
import type { FoundFile } from './find-files.ts'
import { randomAccess } from './random-split-reader.ts'

/** Bytes of the first file that are looked at. */
const SAMPLE_BYTES = 1024 * 1024

/** Looks at the first file that is not empty. Partition columns come last, as strings. */
export async function resolveFileSchema(options: FileSourceOptions, host: Host): Promise<Schema> {
  const findings = await findFiles(host.files, options.path, options.formats.isData)
  const [first] = findings.files
  if (first === undefined) {
    const cause = emptyInput(options.path, findings, options.formats.label)
    throw new MillraceError('schema/not-inferable', {
      what: `the schema of input "${options.path}" is not known`,
      detail: 'none was declared, and there is no file to take it from',
      hint: `declare it, as in ${options.formats.written?.name ?? 'files'}('${options.path}', { schema })`,
      cause,
    })
  }
  let chosen: FoundFile = first
  for (const found of findings.files) {
    const size = (await host.files.status(found.path))?.size ?? 0
    if (size === 0) continue
    chosen = found
    break
  }
  try {
    return withPartitions(await schemaOfFile(chosen.path, options, host), chosen)
  } catch (error) {
    throw inputError(error, chosen.path)
  }
}

/** The schema of one file by itself. */
async function schemaOfFile(path: string, options: FileSourceOptions, host: Host): Promise<Schema> {
  const format = options.formats.of(path)
  const status = await host.files.status(path)
  const size = status?.size ?? 0
  if (format.kind === 'random') {
    const file = await host.files.open(path, 'read')
    try {
      return (await format.summarize(randomAccess(file, path, size), host.compression)).schema
    } finally {
      await file.close()
    }
  }
  const compression = compressionFor(path, options.compression)
  const listed = { path, size, identity: status?.identity ?? '', modifiedMs: status?.modifiedMs ?? 0 }
  const stream = await openBytes(host, listed, { start: 0, compression })
  try {
    const sample = new Uint8Array(SAMPLE_BYTES)
    const bytes = await stream.fill(sample, 0, SAMPLE_BYTES)
    return format.inferSchema(sample.subarray(0, bytes), { complete: stream.ended, file: path })
  } finally {
    await stream.close()
  }
}

function withPartitions(schema: Schema, { partition }: FoundFile): Schema {
  const present = new Set(schema.fields.map(({ name }) => name))
  const added = Object.keys(partition).filter((name) => !present.has(name))
  if (added.length === 0) return schema
  const fields = added.map((name) => ({ name, type: { kind: 'string' } as const, nullable: true }))
  return { fields: [...schema.fields, ...fields] }
}
