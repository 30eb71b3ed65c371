/** The columns of the input files: what the example reads, whatever else a file may hold. */
import { schema, t } from 'millrace'
import type { RowOf } from 'millrace'

/** A flight, at the local time of its departure. */
export const Flight = schema({
  /** Departure. In text files ISO 8601, or a number of milliseconds since 1970. */
  date: t.timestamp(),
  /** Minutes late; negative when early. */
  delay: t.float64().nullable(),
  distance: t.float64().nullable(),
  origin: t.string(),
  destination: t.string().nullable(),
})
export type Flight = RowOf<typeof Flight>

/** An airport, by its IATA code. */
export const Airport = schema({
  iata: t.string(),
  name: t.string(),
})
export type Airport = RowOf<typeof Airport>
