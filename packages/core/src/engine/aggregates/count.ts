/** count(*) and count(column): rows, or rows in which the column is not null. */
import type { FixedColumnBuilder } from '../../data/fixed-column-builder.ts'
import type { Aggregate, AggregateParts } from './aggregate.ts'

/** Makes a count; its accumulator is one float64, exact to 2^53 rows. */
export function createCount({ layout }: AggregateParts): Aggregate {
  const rows = layout.add('f64', 0)
  return {
    partial: { kind: 'fields', fields: [rows] },
    inline: (names) => `${names.field(rows)} += 1;`,
    merge(target, targetRecord, source, sourceRecord) {
      const at = targetRecord * (target.words >> 1) + rows.offset
      target.f64[at] =
        (target.f64[at] as number) + (source.f64[sourceRecord * (source.words >> 1) + rows.offset] as number)
    },
    write(store, { numbers, from, to }, out, at) {
      const { values } = out as FixedColumnBuilder
      const { f64 } = store
      const stride = store.words >> 1
      for (let n = from; n < to; n++)
        values[at + n - from] = f64[(numbers[n] as number) * stride + rows.offset] as number
    },
  }
}
