/** The Nexmark workload: a seeded generator of persons, auctions and bids. */
export { nexmark } from './nexmark.ts'
export type { NexmarkOptions } from './nexmark.ts'
export type { NexmarkKind } from './rules.ts'
export { nexmarkSchemas } from './schemas.ts'
export type { NexmarkAuction, NexmarkBid, NexmarkPerson, NexmarkRows } from './schemas.ts'
