/** The three streams of Nexmark as schemas. */
import { schema, t } from '../../data/builder.ts'
import type { Schema } from '../../data/type.ts'

export interface NexmarkPerson {
  readonly id: number
  readonly name: string
  readonly emailAddress: string
  readonly creditCard: string
  readonly city: string
  readonly state: string
  readonly dateTime: number
  readonly extra: string
}

export interface NexmarkAuction {
  readonly id: number
  readonly itemName: string
  readonly description: string
  readonly initialBid: number
  readonly reserve: number
  readonly dateTime: number
  readonly expires: number
  readonly seller: number
  readonly category: number
  readonly extra: string
}

export interface NexmarkBid {
  readonly auction: number
  readonly bidder: number
  readonly price: number
  readonly channel: string
  readonly url: string
  readonly dateTime: number
  readonly extra: string
}

/** The row types by kind. */
export interface NexmarkRows {
  readonly person: NexmarkPerson
  readonly auction: NexmarkAuction
  readonly bid: NexmarkBid
}

/** The schemas by kind. */
export const nexmarkSchemas: { readonly [Kind in keyof NexmarkRows]: Schema<NexmarkRows[Kind]> } = {
  person: schema({
    id: t.int64(),
    name: t.string(),
    emailAddress: t.string(),
    creditCard: t.string(),
    city: t.string(),
    state: t.string(),
    dateTime: t.timestamp('ms'),
    extra: t.string(),
  }),
  auction: schema({
    id: t.int64(),
    itemName: t.string(),
    description: t.string(),
    initialBid: t.int64(),
    reserve: t.int64(),
    dateTime: t.timestamp('ms'),
    expires: t.timestamp('ms'),
    seller: t.int64(),
    category: t.int64(),
    extra: t.string(),
  }),
  bid: schema({
    auction: t.int64(),
    bidder: t.int64(),
    price: t.int64(),
    channel: t.string(),
    url: t.string(),
    dateTime: t.timestamp('ms'),
    extra: t.string(),
  }),
}
