/** Checks of bytes by Node's native code. */
import { isUtf8 } from 'node:buffer'
import type { ByteChecks } from '../host.ts'

/** Several times as fast as a loop over the bytes. */
export const nodeByteChecks: ByteChecks = { isUtf8: (bytes) => isUtf8(bytes) }
