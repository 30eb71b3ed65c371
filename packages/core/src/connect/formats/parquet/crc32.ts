/**
 * CRC-32 of pages (ISO 3309, the polynomial of gzip), eight bytes per step.
 *
 * Source of the method: Kounavis and Berry, "A systematic approach to building high performance software-based CRC
 * generators", 2005 ("slicing by eight").
 */

const tables: Int32Array = makeTables()

function makeTables(): Int32Array {
  const made = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0)
    made[byte] = value
  }
  for (let index = 256; index < made.length; index++) {
    const before = made[index - 256] as number
    made[index] = (before >>> 8) ^ (made[before & 255] as number)
  }
  return made
}

/** The checksum of `bytes[start … end)` as a signed 32-bit number, as page headers carry it. */
export function crc32(bytes: Uint8Array, start: number, end: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const t = tables
  let crc = -1
  let at = start
  for (; at + 8 <= end; at += 8) {
    const low = crc ^ view.getInt32(at, true)
    const high = view.getInt32(at + 4, true)
    crc =
      (t[1792 + (low & 255)] as number) ^
      (t[1536 + ((low >>> 8) & 255)] as number) ^
      (t[1280 + ((low >>> 16) & 255)] as number) ^
      (t[1024 + (low >>> 24)] as number) ^
      (t[768 + (high & 255)] as number) ^
      (t[512 + ((high >>> 8) & 255)] as number) ^
      (t[256 + ((high >>> 16) & 255)] as number) ^
      (t[high >>> 24] as number)
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ (t[(crc ^ (bytes[at] as number)) & 255] as number)
  return ~crc
}
