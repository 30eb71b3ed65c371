/** Random bits from the operating system. */
import { randomBytes } from 'node:crypto'
import type { Random } from '../host.ts'

/** Randomness for identifiers. */
export const nodeRandom: Random = {
  next: () => Math.random(),
  hex: (bytes) => randomBytes(bytes).toString('hex'),
}
