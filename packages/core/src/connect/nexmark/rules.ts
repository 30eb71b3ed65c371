/**
 * The rules of the Nexmark workload: which event is what, and what its numbers are.
 *
 * Every event is a pure function of (seed, event number): any slice can be made again anywhere. The rules (proportions,
 * key skew, ranges, time) are those of the public benchmark (github.com/nexmark/nexmark, NexmarkConfiguration and
 * generator/model); its unseeded random numbers are replaced by a counter-based hash, as Beam seeds its generator with
 * the event id, and FIRST_PERSON_ID is added once to bidders.
 */

/** Of 50 events in a row, the first is a person, the next three auctions, the rest bids. */
export const EVENTS_PER_EPOCH = 50
const PERSONS_PER_EPOCH = 1
const AUCTIONS_PER_EPOCH = 3

/** Ids of persons and auctions start here. */
export const FIRST_ID = 1000

/** One in so many cold picks; the rest goes to the hot key. */
const HOT_AUCTION_RATIO = 2
const HOT_BIDDER_RATIO = 4
const HOT_SELLER_RATIO = 4
/** Hot keys are multiples of this. */
const HOT_STEP = 100

/** Cold keys come from so many of the newest, and from this many that are not born yet. */
const AUCTIONS_IN_FLIGHT = 100
const PERSONS_ACTIVE = 1000
const IDS_AHEAD = 10

/** The kinds of event, as streams. */
export type NexmarkKind = 'person' | 'auction' | 'bid'

/** What the generator can be told. */
export interface NexmarkRules {
  readonly seed: number
  /** Events per second of event time. */
  readonly eventRate: number
  /** Event time of event 0, milliseconds. */
  readonly baseTime: number
  /** Events within a group of this size change places; 1: no disorder. */
  readonly outOfOrderGroup: number
}

/** The places within an epoch of 50 events at which each kind stands. */
export const kindPlaces: {
  readonly [Kind in NexmarkKind]: { readonly first: number; readonly last: number }
} = {
  person: { first: 0, last: PERSONS_PER_EPOCH - 1 },
  auction: { first: PERSONS_PER_EPOCH, last: PERSONS_PER_EPOCH + AUCTIONS_PER_EPOCH - 1 },
  bid: { first: PERSONS_PER_EPOCH + AUCTIONS_PER_EPOCH, last: EVENTS_PER_EPOCH - 1 },
}

/** The event time of event `event`, whole milliseconds. */
export function timeOf(event: number, rules: NexmarkRules): number {
  return rules.baseTime + Math.floor((event * 1000) / rules.eventRate)
}

/** Steps through a group of events in disorder; a group must not be a multiple of this prime. */
export const DISORDER_STEP = 953

/** Which event stands at place `place` of a stream of `end` events: itself, or one of its group. */
export function eventAt(place: number, group: number, end: number): number {
  if (group === 1) return place
  const start = Math.floor(place / group) * group
  // A last group that is not whole stays in order: its places are not all there to be exchanged.
  return start + group > end ? place : start + ((place * DISORDER_STEP) % group)
}

/** The newest auction at the event that stands at `place` of epoch `epoch` (of 50 events), counted from 0; −1 before the first. */
export function lastAuction(epoch: number, place: number): number {
  if (place < PERSONS_PER_EPOCH) return epoch * AUCTIONS_PER_EPOCH - 1
  return epoch * AUCTIONS_PER_EPOCH + Math.min(place - PERSONS_PER_EPOCH, AUCTIONS_PER_EPOCH - 1)
}

/** 32 random bits of an event: a different, independent draw for each `draw` (murmur3's finaliser over a counter). */
export function random32(eventHash: number, draw: number): number {
  let x = (eventHash + Math.imul(draw, 0x9e3779b9)) | 0
  x ^= x >>> 16
  x = Math.imul(x, 0x85ebca6b)
  x ^= x >>> 13
  x = Math.imul(x, 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}

/** What all draws of an event start from. */
export function eventHash(event: number, seed: number): number {
  const high = Math.floor(event / 4294967296)
  return random32(Math.imul(event | 0, 0x2c1b3c6d) ^ Math.imul(high + 1, 0x297a2d39), seed) | 0
}

/** A whole number in [0, bound) from 32 random bits; `bound` below 2^31. */
export function below(bits: number, bound: number): number {
  return (bits * INVERSE_2_32 * bound) | 0
}

const INVERSE_2_32 = 1 / 4294967296

/** A price in cents: log-uniform from 100 to 100,000,000. */
export function priceOf(bits: number): number {
  const power = (COARSE[bits >>> 23] as number) * (FINE[(bits >>> 14) & 511] as number)
  // Rounded without the branch of Math.round, which would be taken at random.
  return (power * (1 + (bits & 0x3fff) * REST_STEP) + 0.5) | 0
}

/**
 * 10^(6 u + 2) for u = bits / 2^32 as a product over the upper, middle and lower bits of u: a power is ten times as
 * dear. Over the lower 14 bits the exponential is straight to 1e-9.
 */
const COARSE = Float64Array.from({ length: 512 }, (_, step) => 100 * 10 ** ((6 * step) / 512))
const FINE = Float64Array.from({ length: 512 }, (_, step) => 10 ** ((6 * step) / 262_144))
const REST_STEP = (6 * Math.LN10) / 4294967296

/** The auction that a bid is for, when `last` is the newest. */
export function bidAuction(last: number, hot: number, cold: number): number {
  const first = Math.max(last - AUCTIONS_IN_FLIGHT, 0)
  const coldId = first + below(cold, last - first + 1 + IDS_AHEAD)
  return FIRST_ID + oneOf(below(hot, HOT_AUCTION_RATIO), hotId(last), coldId)
}

/** The person that bids, when `last` is the newest: one is born per epoch, so that is the epoch. */
export function bidBidder(last: number, hot: number, cold: number): number {
  return FIRST_ID + oneOf(below(hot, HOT_BIDDER_RATIO), hotId(last) + 1, coldPerson(last, cold))
}

/** The person that sells. */
export function auctionSeller(last: number, hot: number, cold: number): number {
  if (below(hot, HOT_SELLER_RATIO) > 0) return FIRST_ID + hotId(last)
  return FIRST_ID + coldPerson(last, cold)
}

/** `some` when `draw` is above 0, else `none`: by bits, since a branch on a draw is mispredicted half of the time. */
export function oneOf(draw: number, some: number, none: number): number {
  const mask = -draw >> 31
  return (some & mask) | (none & ~mask)
}

/** Ids stay far below 2^31, so that whole-number division is exact and fast. */
function hotId(last: number): number {
  return ((last / HOT_STEP) | 0) * HOT_STEP
}

function coldPerson(last: number, bits: number): number {
  const active = Math.min(last + 1, PERSONS_ACTIVE)
  return last + 1 - active + below(bits, active + IDS_AHEAD)
}

/** How long an auction is open, milliseconds: up to twice the time in which 100 more auctions begin. */
export function auctionLength(event: number, bits: number, rules: NexmarkRules): number {
  const eventsAhead = Math.floor((AUCTIONS_IN_FLIGHT * EVENTS_PER_EPOCH) / AUCTIONS_PER_EPOCH)
  const horizon = timeOf(event + eventsAhead, rules) - timeOf(event, rules)
  return 1 + below(bits, Math.max(horizon * 2, 1))
}
