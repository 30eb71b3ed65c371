/** Table of contents of `objects`: object stores, as others use them. Knows keys and bytes, and neither checkpoints nor rows. */
export type { ObjectClient } from './object-client.ts'
export { ObjectFiles } from './object-files.ts'
export type { ObjectFilesOptions } from './object-files.ts'
