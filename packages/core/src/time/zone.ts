/**
 * Time zones by name: offsets from the runtime's copy of the IANA database, reached through Intl with an explicit zone.
 *
 * Intl answers in microseconds of CPU, so answers are cached: a zone keeps, per block of time, the offset when it is
 * the same at both ends and no transition lies between, else the transitions found by bisection. Invariants:
 *  Z1  offsetAt(t) is what Intl says for t, in whole milliseconds east of UTC.
 *  Z2  A local time in a gap (skipped by daylight saving) is read with the offset before the gap: 02:30 becomes 03:30.
 *  Z3  A local time in an overlap (it happens twice) is its first occurrence: the offset before the change.
 * Both are what java.time and Temporal's "compatible" do. PostgreSQL agrees on gaps and takes the second occurrence of
 * an overlap; the first is kept, because a day that begins in an overlap begins with it.
 */
import { MillraceError } from '../errors.ts'
import { DAY_MS, daysFromCivil } from './civil.ts'

/** A time zone. */
export interface Zone {
  readonly name: string
  /** Milliseconds east of UTC at a point in time. */
  offsetAt(ms: number): number
  /** The point in time of a local time (milliseconds as if the zone were UTC). */
  toInstant(localMs: number): number
  /** The local time of a point in time (milliseconds as if the zone were UTC). */
  toLocal(ms: number): number
}

const zones = new Map<string, Zone>()

/** Zones and fixed offsets remembered at most; names come from pipelines, so more means that data became names. */
const ZONES_MAX = 1000

/**
 * The zone of an IANA name (`Europe/Zurich`), `UTC`, or a fixed offset (`+05:30`).
 *
 * @throws MillraceError `value/invalid` when the runtime does not know it.
 */
export function zoneOf(name: string): Zone {
  let zone = zones.get(name)
  if (zone === undefined) {
    zone = makeZone(name)
    if (zones.size >= ZONES_MAX) zones.clear()
    zones.set(name, zone)
  }
  return zone
}

/** Tells whether the runtime knows a zone. */
export function isZone(name: string): boolean {
  try {
    zoneOf(name)
    return true
  } catch {
    return false
  }
}

function makeZone(name: string): Zone {
  const fixed = fixedOffset(name)
  if (fixed !== undefined) return fixedZone(name, fixed)
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    })
  } catch (cause) {
    throw new MillraceError('value/invalid', {
      what: `the time zone "${name}" does not exist`,
      hint: "use a name of the IANA database such as 'Europe/Zurich', 'UTC', or an offset such as '+05:30'",
      cause,
    })
  }
  return new IntlZone(name, format)
}

function fixedOffset(name: string): number | undefined {
  if (/^(?:UTC|GMT|Z|Etc\/UTC|Etc\/GMT)$/i.test(name)) return 0
  const match = /^(?:UTC)?([+-])(\d\d)(?::?(\d\d))?$/.exec(name)
  if (match === null || Number(match[2]) > 18 || Number(match[3] ?? 0) > 59) return undefined
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0)
  return (match[1] === '-' ? -minutes : minutes) * 60_000
}

function fixedZone(name: string, offset: number): Zone {
  return {
    name,
    offsetAt: () => offset + 0,
    toInstant: (localMs) => localMs - offset,
    toLocal: (ms) => ms + offset,
  }
}

/** Block of the cache. Shorter than any two transitions that cancel each other out are known to be apart, save single days. */
const BLOCK_MS = 7 * DAY_MS

/** Blocks remembered: some 80 years of weeks, and then again. */
const BLOCKS_MAX = 4096

/** What is known of a block: one offset, or the point at which it changes. */
interface Block {
  readonly before: number
  readonly change: number
  readonly after: number
}

/** Points in time that ECMAScript can express; beyond, the last offset holds. */
const INSTANT_MAX_MS = 8.64e15

class IntlZone implements Zone {
  readonly name: string
  readonly #format: Intl.DateTimeFormat
  readonly #blocks = new Map<number, Block>()
  #lastKey = Number.NaN
  #last: Block | undefined

  constructor(name: string, format: Intl.DateTimeFormat) {
    this.name = name
    this.#format = format
  }

  offsetAt(ms: number): number {
    const key = Math.floor(ms / BLOCK_MS)
    const block = key === this.#lastKey && this.#last !== undefined ? this.#last : this.#blockOf(key)
    return ms < block.change ? block.before : block.after
  }

  toLocal(ms: number): number {
    return ms + this.offsetAt(ms)
  }

  toInstant(localMs: number): number {
    // The offset a day before and after brackets any change near this local time.
    const before = this.offsetAt(localMs - DAY_MS)
    const after = this.offsetAt(localMs + DAY_MS)
    if (before === after && this.offsetAt(localMs - before) === before) return localMs - before
    const early = localMs - before
    const late = localMs - after
    const earlyFits = this.offsetAt(early) === before
    const lateFits = this.offsetAt(late) === after
    if (earlyFits && lateFits) return Math.min(early, late)
    if (earlyFits) return early
    if (lateFits) return late
    // Z2: nobody's clock showed it; the offset before the gap decides.
    return early
  }

  #blockOf(key: number): Block {
    let block = this.#blocks.get(key)
    if (block === undefined) {
      block = this.#findBlock(key * BLOCK_MS)
      if (this.#blocks.size >= BLOCKS_MAX) this.#blocks.clear()
      this.#blocks.set(key, block)
    }
    this.#lastKey = key
    this.#last = block
    return block
  }

  #findBlock(start: number): Block {
    const end = start + BLOCK_MS - 1
    const before = this.#ask(start)
    const after = this.#ask(end)
    if (before === after) return { before, change: Number.NEGATIVE_INFINITY, after }
    let low = start
    let high = end
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (this.#ask(middle) === before) low = middle
      else high = middle
    }
    return { before, change: high, after }
  }

  /** Asks Intl: the local time it prints, less the point in time. */
  #ask(ms: number): number {
    const clamped = Math.max(-INSTANT_MAX_MS, Math.min(INSTANT_MAX_MS, ms))
    const parts: { [type: string]: string } = {}
    for (const { type, value } of this.#format.formatToParts(clamped)) parts[type] = value
    const year = parts['era'] === 'BC' ? 1 - Number(parts['year']) : Number(parts['year'])
    const days = daysFromCivil(year, Number(parts['month']), Number(parts['day']))
    const seconds = Number(parts['hour']) * 3600 + Number(parts['minute']) * 60 + Number(parts['second'])
    const wholeSecond = Math.floor(clamped / 1000) * 1000
    return days * DAY_MS + seconds * 1000 - wholeSecond
  }
}
