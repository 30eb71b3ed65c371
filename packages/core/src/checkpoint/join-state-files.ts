/**
 * Joins state files of one step into one, block behind block, so that a manifest names few files.
 *
 * Nothing is decoded: restoring the joined file is restoring the others in their order.
 */
import type { ByteChecks } from '../host/host.ts'
import type { StateFileReference } from './entry.ts'
import { StateFileReader, StateFileWriter } from './state-file.ts'
import type { FinishedStateFile } from './state-file.ts'
import type { CheckpointStore } from './store.ts'

/**
 * Writes the joined file under a name that no one else uses.
 *
 * @throws MillraceError `checkpoint/damaged` when one of the files cannot be read back, `checkpoint/store-failed`.
 */
export async function joinStateFiles(
  files: readonly StateFileReference[],
  name: string,
  { store, checks }: { readonly store: CheckpointStore; readonly checks: ByteChecks },
): Promise<FinishedStateFile> {
  let writer: StateFileWriter | undefined
  try {
    for (const file of files) {
      const reader = await StateFileReader.open(store, file, checks)
      const { parts, about } = reader
      writer ??= await StateFileWriter.begin(store, name, { checks, parts, about })
      await writer.appendFile(reader)
    }
    return await (writer as StateFileWriter).finish()
  } catch (error) {
    await writer?.abort().catch(() => undefined)
    throw error
  }
}
