/** Rows of a Parquet file as another implementation reads them. */
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'

export async function rowsOfParquet(bytes: Uint8Array): Promise<object[]> {
  return parquetReadObjects({ file: Uint8Array.from(bytes).buffer, compressors })
}
