/** Checks of bytes by Node's native code. */
import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { ByteChecks } from '../host.ts'

/** Many times as fast as loops over the bytes. */
export const nodeByteChecks: ByteChecks = {
  isUtf8: (bytes) => isUtf8(bytes),
  sha256: (pieces) => {
    const hash = createHash('sha256')
    for (const piece of pieces) hash.update(piece)
    return hash.digest('hex')
  },
  crc32: (bytes, before = 0) => crc32(bytes, before),
}
