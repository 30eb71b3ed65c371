/**
 * The part of the suite of sources that micro-batch mode relies on: splits that grow, and their horizons.
 */
import type { Json } from '../data/type.ts'
import type { Split } from '../connect/source.ts'
import type { Declare, TestTools } from './conformance.ts'
import { OpenedSource, ROWS_MANY } from './source-trial.ts'
import type { FollowedSubject } from './source-trial.ts'

/** Tries a split that grows; gives whether there was anything to try. */
type DeclareGrowing = (
  name: string,
  body: (subject: OpenedSource, split: Split, more: FollowedSubject['more']) => Promise<boolean>,
) => void

/** Declares that splits that grow are read up to a horizon that is fixed before, and no farther. */
export function declareHorizons(
  declare: Declare,
  { expect }: Pick<TestTools, 'expect'>,
  setup: () => Promise<FollowedSubject>,
): void {
  const test: DeclareGrowing = (name, body) =>
    declare(name, async () => {
      const subject = await setup()
      const opened = new OpenedSource(subject, 'unbounded')
      try {
        const splits = (await opened.present()).filter(({ grows }) => grows === true)
        let tried = splits.length === 0
        for (const split of splits) tried = (await body(opened, split, subject.more)) || tried
        expect(tried).toEqual(true)
      } finally {
        await subject.cleanup?.()
      }
    })
  declareBorders(test, expect)
  declareSmallHorizons(test, expect)
}

function declareBorders(test: DeclareGrowing, expect: TestTools['expect']): void {
  test('reads to the horizon and not beyond it, whatever was added since', async (subject, split, more) => {
    let tried = false
    await subject.withReader(split, undefined, async (reader) => {
      const horizon = await subject.horizon(reader)
      if (horizon === undefined) return
      tried = true
      const before = await subject.readToHorizon(split, horizon.to, 3)
      await more()
      reader.readTo?.(horizon.to)
      expect(await subject.readOn(reader, 2)).toEqual(before)
      expect(await subject.readOn(reader, 2)).toEqual([])
      // Another process, which has never seen the split so short.
      expect(await subject.readToHorizon(split, horizon.to, 5)).toEqual(before)
    })
    return tried
  })

  test('goes on behind a horizon, without a gap', async (subject, split, more) => {
    let tried = false
    await subject.withReader(split, undefined, async (reader) => {
      const first = await subject.horizon(reader)
      if (first === undefined) return
      tried = true
      reader.readTo?.(first.to)
      const rows = await subject.readOn(reader, 4)
      expect(await reader.horizon?.({ bytesMax: undefined, within: first.to })).toEqual(undefined)
      const position = JSON.parse(JSON.stringify(reader.position())) as Json
      await more()
      const second = await subject.horizon(reader)
      if (second === undefined) return
      reader.readTo?.(second.to)
      const added = await subject.readOn(reader, 4)
      expect(await subject.readToHorizon(split, second.to, 7)).toEqual([...rows, ...added])
      expect(await subject.readToHorizon(split, second.to, 2, position)).toEqual(added)
    })
    return tried
  })
}

function declareSmallHorizons(test: DeclareGrowing, expect: TestTools['expect']): void {
  test('comes to the end of what is there in small horizons, too', async (subject, split) => {
    let tried = false
    await subject.withReader(split, undefined, async (reader) => {
      const whole = await subject.horizon(reader)
      if (whole === undefined) return
      tried = true
      const all = await subject.readToHorizon(split, whole.to, ROWS_MANY)
      const rows: object[] = []
      for (let looks = 0; looks < ROWS_MANY; looks++) {
        const next = await reader.horizon?.({ bytesMax: 1, within: whole.to })
        if (next === undefined) break
        expect(JSON.parse(JSON.stringify(next.to))).toEqual(next.to)
        reader.readTo?.(next.to)
        rows.push(...(await subject.readOn(reader, 1)))
      }
      expect(rows).toEqual(all)
    })
    return tried
  })
}
