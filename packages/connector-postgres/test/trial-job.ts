// A job that does to a sink of a table what the engine does, for tests.
import { batchOfRows } from '@millrace/core/data'
import type { Batch, Schema } from '@millrace/core/data'
import type { OpenSink, SinkContext, SinkWriter } from '@millrace/core/connect'
import { createNodeHost } from '../../core/src/host/node/index.ts'
import { postgres } from '../src/index.ts'
import type { PostgresCommittable, PostgresOptions } from '../src/index.ts'

const host = createNodeHost()

/** Opens a table as a sink. */
export function openTable(
  options: PostgresOptions,
  schema: Schema,
  more: Partial<SinkContext> = {},
): Promise<OpenSink<PostgresCommittable>> {
  return postgres(options).open({
    host,
    schema,
    step: 'write',
    outputMode: 'append',
    lineage: host.random.hex(8),
    attempt: 1,
    bounded: false,
    ...more,
  })
}

/** Writes rows as one epoch, and prepares it. */
export async function prepareRows(
  writer: SinkWriter<PostgresCommittable>,
  schema: Schema,
  { rows, epoch = 1 }: { readonly rows: readonly object[]; readonly epoch?: number },
): Promise<PostgresCommittable> {
  return prepareBatch(writer, batchOfRows(schema, rows), epoch)
}

export async function prepareBatch(
  writer: SinkWriter<PostgresCommittable>,
  batch: Batch,
  epoch = 1,
): Promise<PostgresCommittable> {
  await writer.write(batch)
  writer.seal(epoch, { final: false })
  const committable = await writer.prepare(epoch)
  if (committable === undefined) throw new Error('nothing was prepared')
  return JSON.parse(JSON.stringify(committable)) as PostgresCommittable
}

/** One whole run of one epoch. */
export async function writeOnce(
  options: PostgresOptions,
  schema: Schema,
  input: { readonly rows: readonly object[] } | { readonly batch: Batch },
): Promise<void> {
  const run = await openTable(options, schema)
  try {
    const writer = await run.writer(0)
    try {
      const batch = 'batch' in input ? input.batch : batchOfRows(schema, input.rows)
      const committable = await prepareBatch(writer, batch)
      const outcomes = await run.commit([committable])
      if (outcomes[0]?.kind !== 'committed') throw new Error(JSON.stringify(outcomes))
    } finally {
      await writer.close()
    }
    await run.finish()
  } finally {
    await run.close()
  }
}
