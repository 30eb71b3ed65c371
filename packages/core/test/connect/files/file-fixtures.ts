/** Makes data files for tests, and reads folders back. */
import { batchOfRows } from '../../../src/data/batch-builder.ts'
import { batchToRows } from '../../../src/data/read-value.ts'
import type { Schema } from '../../../src/data/type.ts'
import type { Format } from '../../../src/connect/format.ts'
import type {
  Boundedness,
  RejectedRow,
  Source,
  SourceContext,
  SplitReader,
} from '../../../src/connect/source.ts'
import { isMillraceError } from '../../../src/errors.ts'
import type { Host } from '../../../src/host/host.ts'
import { createManualHost } from '../../../src/testing/index.ts'
import type { ManualHost } from '../../../src/testing/index.ts'

/** The bytes of one file. */
export function encodeRows(
  format: Format,
  schema: Schema,
  rows: readonly object[],
  perBatch = 1000,
): Uint8Array {
  const encoder = format.encoder(schema, { compression: createManualHost().compression })
  const pieces: Uint8Array[] = []
  const keep = (bytes: Uint8Array | undefined): void => {
    if (bytes !== undefined) pieces.push(Uint8Array.from(bytes))
  }
  keep(encoder.begin())
  for (let row = 0; row < rows.length; row += perBatch)
    keep(encoder.encode(batchOfRows(schema, rows.slice(row, row + perBatch))))
  keep(encoder.end())
  return Buffer.concat(pieces)
}

/** Reads a source to its end (bounded), collecting rejected rows when asked. */
export async function readSource(
  host: Host,
  source: Source,
  options: {
    readonly rejected?: RejectedRow[]
    readonly boundedness?: Boundedness
    readonly rowsMax?: number
  } = {},
): Promise<object[]> {
  const { rejected } = options
  const context = {
    host,
    boundedness: options.boundedness ?? 'bounded',
    step: 'read',
    rejected: rejected === undefined ? undefined : (row: RejectedRow) => rejected.push(row),
  } as const
  const enumerator = await source.enumerate(context)
  const rows: object[] = []
  for (;;) {
    const { splits, done } = await enumerator.next()
    for (const split of splits) {
      const reader = await source.open(split, undefined, context)
      try {
        rows.push(...(await readToEnd(reader, options.rowsMax ?? 1000)))
      } finally {
        await reader.close()
      }
    }
    if (done) break
  }
  await enumerator.close()
  return rows
}

/** Reads until the reader ends or idles. */
export async function readToEnd(reader: SplitReader, rowsMax = 1000): Promise<object[]> {
  const rows: object[] = []
  for (;;) {
    const result = await reader.read(rowsMax)
    if (result.kind !== 'batch') return rows
    rows.push(...batchToRows(result.batch))
  }
}

/** What an action that fails says; an error that has no code goes on. */
export async function failure(action: Promise<unknown>): Promise<{ code: string; text: string }> {
  try {
    await action
  } catch (error) {
    if (isMillraceError(error)) return { code: error.code, text: error.message }
    throw error
  }
  return { code: 'no error', text: '' }
}

/** What sources are listed and opened with. */
export function contextOf(host: ManualHost, boundedness: SourceContext['boundedness']): SourceContext {
  return { host, boundedness, step: 'read', rejected: undefined }
}

/** The names of the splits that a look half a second later finds. */
export async function found(
  host: ManualHost,
  enumerator: Awaited<ReturnType<Source['enumerate']>>,
): Promise<string[]> {
  await host.advance(500)
  return (await enumerator.next()).splits.map(({ id }) => id)
}
