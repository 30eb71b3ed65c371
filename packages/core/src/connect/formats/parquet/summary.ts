/**
 * What a Parquet file's footer alone says: schema, rows, row groups.
 */
import { makeSchema } from '../../../data/schema.ts'
import type { RandomAccessFile, RandomFileSummary } from '../../format.ts'
import { located } from './damage.ts'
import { readFooter } from './footer.ts'
import { buildSchemaTree, fieldOf } from './schema-tree.ts'

/** Reads the footer. Throws input/truncated, input/corrupt or input/unsupported. */
export async function summarizeParquet(file: RandomAccessFile): Promise<RandomFileSummary> {
  const metadata = await readFooter(file)
  try {
    return {
      schema: makeSchema(buildSchemaTree(metadata.schema).map(fieldOf)),
      rows: metadata.rows,
      groups: metadata.groups.map(({ rows, columns }) => ({
        rows,
        bytes: columns.reduce((sum, chunk) => sum + chunk.compressedBytes, 0),
      })),
    }
  } catch (error) {
    throw located(error, { file: file.name })
  }
}
