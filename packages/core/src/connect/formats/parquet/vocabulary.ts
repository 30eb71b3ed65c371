/**
 * The numbers that stand for things in a Parquet file (parquet.thrift of Apache parquet-format 2.12).
 *
 * Only names and numbers; what they mean for our columns is in schema-tree.ts and the decoders.
 */

/** How values are stored. */
export const physicalType = {
  boolean: 0,
  int32: 1,
  int64: 2,
  int96: 3,
  float: 4,
  double: 5,
  byteArray: 6,
  fixedLengthByteArray: 7,
} as const

/** Whether a field has exactly one value, at most one, or any number. */
export const repetitionType = { required: 0, optional: 1, repeated: 2 } as const

/** Logical types of old files; newer ones carry a `LogicalType` beside them. */
export const convertedType = {
  utf8: 0,
  map: 1,
  mapKeyValue: 2,
  list: 3,
  enum: 4,
  decimal: 5,
  date: 6,
  timeMillis: 7,
  timeMicros: 8,
  timestampMillis: 9,
  timestampMicros: 10,
  uint8: 11,
  uint16: 12,
  uint32: 13,
  uint64: 14,
  int8: 15,
  int16: 16,
  int32: 17,
  int64: 18,
  json: 19,
  bson: 20,
  interval: 21,
} as const

/** How the values of a page are written. */
export const encoding = {
  plain: 0,
  plainDictionary: 2,
  rle: 3,
  bitPacked: 4,
  deltaBinaryPacked: 5,
  deltaLengthByteArray: 6,
  deltaByteArray: 7,
  rleDictionary: 8,
  byteStreamSplit: 9,
} as const

/** How pages are compressed. */
export const codec = {
  uncompressed: 0,
  snappy: 1,
  gzip: 2,
  lzo: 3,
  brotli: 4,
  lz4: 5,
  zstd: 6,
  lz4Raw: 7,
} as const

/** What a page is. */
export const pageType = { data: 0, index: 1, dictionary: 2, dataV2: 3 } as const

/** The four bytes at both ends of a file: `PAR1`. */
export const MAGIC: Uint8Array = Uint8Array.of(0x50, 0x41, 0x52, 0x31)

/** The name of a number in one of the tables above, for messages. */
export function nameOf(table: { readonly [name: string]: number }, value: number): string {
  for (const [name, number] of Object.entries(table)) if (number === value) return name
  return `number ${value}`
}
