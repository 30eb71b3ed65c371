/**
 * The columns of Nexmark events: one maker per column, so that only what is read is made.
 *
 * A maker gets the event numbers of a batch and their hashes and fills a column. Draws are numbered per column: the
 * same event has the same values whichever columns are read.
 */
import type { Column, FixedColumn } from '../../data/column.ts'
import { generate } from '../../data/generate.ts'
import type { DataType } from '../../data/type.ts'
import {
  auctionLength,
  auctionSeller,
  below,
  bidAuction,
  bidBidder,
  FIRST_ID,
  lastAuction,
  oneOf,
  priceOf,
  random32,
  timeOf,
} from './rules.ts'
import type { NexmarkKind, NexmarkRules } from './rules.ts'
import { packTexts, TextWriter } from './text-writer.ts'
import type { TextPool } from './text-writer.ts'

/** The events of a batch. */
export interface EventSlice {
  readonly events: Float64Array
  /** The epoch of 50 events that each stands in, and its place there. */
  readonly epochs: Int32Array
  readonly places: Uint8Array
  readonly hashes: Int32Array
  readonly count: number
  readonly rules: NexmarkRules
}

/** Fills one column for a slice. The column is valid until the next call. */
export type ColumnMaker = (slice: EventSlice) => Column

const INT64: DataType = { kind: 'int64', rows: 'number' }
const TIMESTAMP: DataType = { kind: 'timestamp', unit: 'ms', zoned: false }

const HOT_CHANNELS = ['Google', 'Facebook', 'Baidu', 'Apple']
const COLD_CHANNELS = 10_000
const FIRST_NAMES = [
  'Peter',
  'Paul',
  'Luke',
  'John',
  'Saul',
  'Vicky',
  'Kate',
  'Julie',
  'Sarah',
  'Deiter',
  'Walter',
]
const LAST_NAMES = ['Shultz', 'Abrams', 'Spencer', 'White', 'Bartels', 'Walton', 'Smith', 'Jones', 'Noris']
const CITIES = [
  'Phoenix', 'Los Angeles', 'San Francisco', 'Boise', 'Portland', 'Bend', 'Redmond', 'Seattle', 'Kent', 'Cheyenne',
] // prettier-ignore
const STATES = ['AZ', 'CA', 'ID', 'OR', 'WA', 'WY']

/** Bytes of a row without `extra`, and with it, on average: the padding of the public generator. */
const PADDING: { readonly [Kind in NexmarkKind]: { readonly fixed: number; readonly average: number } } = {
  person: { fixed: 8 + 13 + 17 + 19 + 9 + 2 + 8, average: 200 },
  auction: { fixed: 8 + 11 + 51 + 8 + 8 + 8 + 8 + 8 + 8, average: 500 },
  bid: { fixed: 32, average: 100 },
}

/** The makers of a kind by column name, for batches of at most `rows`. */
export function columnMakers(
  kind: NexmarkKind,
  rows: number,
): { readonly [column: string]: () => ColumnMaker } {
  const numbers = (type: DataType, value: NumberRule) => (): ColumnMaker => numberMaker(type, rows, value)
  const texts = (bytes: number, write: TextRule) => (): ColumnMaker => textMaker(rows, bytes, write)
  const extra = (): ColumnMaker => letterMaker(rows, paddingOf(kind))
  const dateTime = (): ColumnMaker => timeMaker(rows, () => 0)
  switch (kind) {
    case 'bid':
      return {
        auction: numbers(INT64, (hash, epoch, place) =>
          bidAuction(lastAuction(epoch, place), random32(hash, 1), random32(hash, 2)),
        ),
        bidder: numbers(INT64, (hash, epoch) => bidBidder(epoch, random32(hash, 3), random32(hash, 4))),
        price: numbers(INT64, (hash) => priceOf(random32(hash, 5))),
        channel: () => pickMaker(rows, channelPool(), channelOf),
        url: () => pickMaker(rows, urlPool(), channelOf),
        dateTime,
        extra,
      }
    case 'auction':
      return {
        id: numbers(INT64, (_, epoch, place) => FIRST_ID + lastAuction(epoch, place)),
        itemName: texts(20, (writer, hash) => writer.text(randomWords(hash, 1, 20))),
        description: texts(100, (writer, hash) => writer.text(randomWords(hash, 2, 100))),
        initialBid: numbers(INT64, (hash) => priceOf(random32(hash, 3))),
        reserve: numbers(INT64, (hash) => priceOf(random32(hash, 3)) + priceOf(random32(hash, 4))),
        dateTime,
        expires: () =>
          timeMaker(rows, (event, hash, rules) => auctionLength(event, random32(hash, 5), rules)),
        seller: numbers(INT64, (hash, epoch) => auctionSeller(epoch, random32(hash, 6), random32(hash, 7))),
        category: numbers(INT64, (hash) => 10 + below(random32(hash, 8), 5)),
        extra,
      }
    case 'person':
      return {
        id: numbers(INT64, (_, epoch) => FIRST_ID + epoch),
        name: texts(20, (writer, hash) =>
          writer.text(`${pick(FIRST_NAMES, hash, 1)} ${pick(LAST_NAMES, hash, 2)}`),
        ),
        emailAddress: texts(20, (writer, hash) =>
          writer.text(`${randomWords(hash, 3, 7)}@${randomWords(hash, 4, 5)}.com`),
        ),
        creditCard: texts(20, (writer, hash) => writer.text(creditCard(hash))),
        city: texts(16, (writer, hash) => writer.text(pick(CITIES, hash, 9))),
        state: texts(4, (writer, hash) => writer.text(pick(STATES, hash, 10))),
        dateTime,
        extra,
      }
  }
}

type NumberRule = (hash: number, epoch: number, place: number) => number
type DelayRule = (event: number, hash: number, rules: NexmarkRules) => number
type TextRule = (writer: TextWriter, hash: number) => void

function numberMaker(type: DataType, rows: number, value: NumberRule): ColumnMaker {
  const values = new Float64Array(rows)
  const column: FixedColumn = { layout: 'fixed', type, values, validity: undefined }
  // Generated, so that every column has a loop of its own into which its rule is inlined.
  const fill = generate<
    (rule: NumberRule) => (...slice: [Float64Array, Int32Array, Int32Array, Uint8Array, number]) => void
  >(
    ['value'],
    `return function (values, hashes, epochs, places, count) {
  for (let i = 0; i < count; i++) values[i] = value(hashes[i], epochs[i], places[i])
}`,
  )(value)
  return ({ hashes, epochs, places, count }) => {
    fill(values, hashes, epochs, places, count)
    return column
  }
}

function timeMaker(rows: number, delay: DelayRule): ColumnMaker {
  const values = new Float64Array(rows)
  const column: FixedColumn = { layout: 'fixed', type: TIMESTAMP, values, validity: undefined }
  return ({ events, hashes, count, rules }) => {
    for (let i = 0; i < count; i++) {
      const event = events[i] as number
      values[i] = timeOf(event, rules) + delay(event, hashes[i] as number, rules)
    }
    return column
  }
}

function textMaker(rows: number, bytesPerRow: number, write: TextRule): ColumnMaker {
  const writer = new TextWriter(rows, bytesPerRow)
  const fill = generate<(rule: TextRule) => (writer: TextWriter, hashes: Int32Array, count: number) => void>(
    ['write'],
    `return function (writer, hashes, count) {
  for (let i = 0; i < count; i++) write(writer, hashes[i])
}`,
  )(write)
  return ({ hashes, count }) => {
    writer.reset()
    fill(writer, hashes, count)
    return writer.column()
  }
}

function letterMaker(rows: number, size: { readonly least: number; readonly spread: number }): ColumnMaker {
  const writer = new TextWriter(rows, size.least + size.spread)
  return ({ hashes, count }) => {
    writer.letters(hashes, count, size)
    return writer.column()
  }
}

function pickMaker(rows: number, pool: TextPool, indexOf: (hash: number) => number): ColumnMaker {
  const writer = new TextWriter(rows, pool.wordsMax * 8)
  const indices = new Int32Array(rows)
  return ({ hashes, count }) => {
    for (let i = 0; i < count; i++) indices[i] = indexOf(hashes[i] as number)
    writer.picks(pool, indices, count)
    return writer.column()
  }
}

/** The letters that bring a row to its average size, give or take a fifth. */
function paddingOf(kind: NexmarkKind): { readonly least: number; readonly spread: number } {
  const { fixed, average } = PADDING[kind]
  const desired = Math.max(0, average - fixed)
  const delta = Math.round(desired * 0.2)
  return { least: desired - delta, spread: 2 * delta }
}

/** Half of the bids come through one of four channels, the rest through one of ten thousand. */
function channelOf(hash: number): number {
  const isHot = random32(hash, 11) >>> 31
  const draw = random32(hash, 12)
  const cold = HOT_CHANNELS.length + below(draw, COLD_CHANNELS)
  return oneOf(isHot, below(draw, HOT_CHANNELS.length), cold)
}

let channels: TextPool | undefined
function channelPool(): TextPool {
  channels ??= packTexts([
    ...HOT_CHANNELS,
    ...Array.from({ length: COLD_CHANNELS }, (_, number) => `channel-${number}`),
  ])
  return channels
}

let urls: TextPool | undefined
function urlPool(): TextPool {
  urls ??= packTexts([
    ...HOT_CHANNELS.map((_, channel) => baseUrl(COLD_CHANNELS + channel)),
    ...Array.from({ length: COLD_CHANNELS }, (_, channel) => coldUrl(channel)),
  ])
  return urls
}

function baseUrl(channel: number): string {
  const directory = (draw: number): string => letters(random32(Math.imul(channel + 1, 0x9e3779b1), draw), 5)
  return `https://www.nexmark.com/${directory(1)}/${directory(2)}/${directory(3)}/item.htm?query=1`
}

/** Nine in ten cold channels have an id in their URL. */
function coldUrl(channel: number): string {
  const url = baseUrl(channel)
  return channel % 10 === 9 ? url : `${url}&channel_id=${Math.abs(reverseBits(channel))}`
}

function reverseBits(value: number): number {
  let reversed = 0
  for (let bit = 0; bit < 32; bit++) reversed = (reversed << 1) | ((value >>> bit) & 1)
  return reversed
}

function letters(bits: number, length: number): string {
  let text = ''
  for (let i = 0; i < length; i++) text += String.fromCharCode(97 + below(random32(bits, i), 26))
  return text
}

/** 3 to `max` − 1 characters, one in thirteen a space, without spaces at the ends. */
function randomWords(hash: number, draw: number, max: number): string {
  const bits = random32(hash, draw)
  const length = 3 + below(random32(bits, 1), max - 3)
  let text = ''
  for (let i = 0; i < length; i++) {
    const character = random32(bits, 2 + i)
    text += below(character, 13) === 0 ? ' ' : String.fromCharCode(97 + below(random32(character, 1), 26))
  }
  return text.trim()
}

function creditCard(hash: number): string {
  const group = (draw: number): string => `${below(random32(hash, draw), 10_000)}`.padStart(4, '0')
  return `${group(5)} ${group(6)} ${group(7)} ${group(8)}`
}

function pick(texts: readonly string[], hash: number, draw: number): string {
  return texts[below(random32(hash, draw), texts.length)] as string
}
