/**
 * Digests of plain data: 128 bits as 32 hexadecimal digits, the same on every machine and in every version.
 *
 * Tells plans apart; it is no protection against someone who wants two plans to look alike. The core has no crypto
 * global (law L4), and plans are small, so a few multiplications per character are enough.
 * Mixing steps after Appleby, MurmurHash3 (2011), with four lanes that start apart and are crossed at the end.
 */
import type { Json } from '../data/type.ts'

/** Plain data as a value: an `undefined` member counts as absent. */
export type Plain = undefined | Json | readonly Plain[] | { readonly [name: string]: Plain }

/** The digest of a text, over its UTF-16 units. */
export function digestText(text: string): string {
  const lanes = [0x9747b28c, 0x3c6ef372, 0x5bd1e995, 0x1b873593]
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    for (let lane = 0; lane < 4; lane++) lanes[lane] = mix(lanes[lane] as number, unit + lane * 0x10001)
  }
  // Crossing the lanes twice makes every digit depend on all four.
  for (let round = 0; round < 8; round++) {
    const lane = round & 3
    lanes[lane] = finish((lanes[lane] as number) ^ (lanes[(lane + 3) & 3] as number) ^ text.length)
  }
  return lanes.map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('')
}

/** The digest of plain data: of its canonical text. */
export function digest(value: unknown): string {
  return digestText(canonicalText(value))
}

/** JSON with members sorted by name, absent ones left out, −0 told from 0 and numbers that JSON lacks spelled. */
function canonicalText(value: unknown): string {
  if (typeof value === 'number') {
    return Number.isFinite(value) && !Object.is(value, -0) ? JSON.stringify(value) : `"#${spell(value)}"`
  }
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, part]) => part !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, part]) => `${JSON.stringify(name)}:${canonicalText(part)}`)
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value) ?? 'null'
}

function spell(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

function mix(state: number, unit: number): number {
  let k = Math.imul(unit, 0xcc9e2d51)
  k = (k << 15) | (k >>> 17)
  let h = state ^ Math.imul(k, 0x1b873593)
  h = (h << 13) | (h >>> 19)
  return (Math.imul(h, 5) + 0xe6546b64) | 0
}

function finish(state: number): number {
  let h = state
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}
