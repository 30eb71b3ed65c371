/** Table of contents of `connect/files`: files as sources and sinks. */
export type {
  FileDataset,
  FileEventTime,
  FileOptions,
  FileReadOptions,
  FileWriteOptions,
  UndeclaredFileDataset,
  UndeclaredRow,
} from './dataset.ts'
export type { AnyFormatOptions, DeclaredOptions, UndeclaredOptions } from './datasets.ts'
export { csv, files, json, ndjson, parquet, tsv } from './datasets.ts'
export { objectFolder } from './output-place.ts'
export type { OutputPlace } from './output-place.ts'
