import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SplitFrontier } from '../../src/engine/source/split-frontier.ts'

function split(lowestEventTime?: number): {
  split: { id: string; detail: null; lowestEventTime?: number }
  watermark: { current: number }
} {
  return {
    split: { id: 's', detail: null, ...(lowestEventTime === undefined ? {} : { lowestEventTime }) },
    watermark: { current: -Infinity },
  }
}

describe('the watermark of a source task', () => {
  test('SO2: a discovered but unread split holds it', () => {
    const frontier = new SplitFrontier()
    const [first, second] = [split(), split()]
    frontier.discovered(first)
    frontier.discovered(second)
    frontier.opened(first)
    first.watermark.current = 100
    expect(frontier.combine()).toBe(-Infinity)
    frontier.opened(second)
    second.watermark.current = 40
    expect(frontier.combine()).toBe(40)
  })

  test('SO2: an unread split whose lowest event time is known holds it there', () => {
    const frontier = new SplitFrontier()
    const [first, second] = [split(), split(70)]
    frontier.discovered(first)
    frontier.discovered(second)
    frontier.opened(first)
    first.watermark.current = 100
    expect(frontier.combine()).toBe(70)
  })

  test('SO2: a finished split leaves its highest value', () => {
    const frontier = new SplitFrontier()
    const only = split()
    frontier.discovered(only)
    frontier.opened(only)
    only.watermark.current = 100
    frontier.ended(only)
    expect(frontier.combine()).toBe(100)
    const late = split()
    frontier.discovered(late)
    frontier.opened(late)
    late.watermark.current = 20
    expect(frontier.combine()).toBe(100)
  })

  test('an idle split leaves the minimum, and does not move it back when it returns', () => {
    const frontier = new SplitFrontier()
    const [fast, slow] = [split(), split()]
    for (const one of [fast, slow]) {
      frontier.discovered(one)
      frontier.opened(one)
    }
    fast.watermark.current = 100
    slow.watermark.current = 10
    expect(frontier.combine()).toBe(10)
    frontier.setIdle(slow, true)
    expect(frontier.combine()).toBe(100)
    frontier.setIdle(slow, false)
    expect(frontier.combine()).toBe(100)
  })

  test('SW2: when all open splits are idle it stays where it is', () => {
    const frontier = new SplitFrontier()
    const only = split()
    frontier.discovered(only)
    frontier.opened(only)
    only.watermark.current = 5
    frontier.setIdle(only, true)
    expect(frontier.allIdle).toBe(true)
    expect(frontier.combine()).toBe(-Infinity)
  })

  test('SO4: a task without splits is idle, before its first one and behind its last', () => {
    const frontier = new SplitFrontier()
    expect(frontier.allIdle).toBe(true)
    const only = split()
    frontier.discovered(only)
    expect(frontier.allIdle).toBe(false)
    frontier.opened(only)
    only.watermark.current = 30
    expect(frontier.allIdle).toBe(false)
    frontier.ended(only)
    expect(frontier.combine()).toBe(30)
    expect(frontier.allIdle).toBe(true)
  })

  test('is the same whether or not it is told what moved', () => {
    const step = fc.tuple(
      fc.constantFrom('discover', 'open', 'move', 'idle', 'busy', 'end'),
      fc.nat(9),
      fc.integer({ min: 0, max: 50 }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const [told, asked] = [new SplitFrontier(), new SplitFrontier()]
        const splits: { readonly one: ReturnType<typeof split>; state: 'unread' | 'open' | 'ended' }[] = []
        for (const [what, at, time] of steps) {
          const found = splits[at]
          if (what === 'discover') {
            splits.push({ one: split(time % 2 === 0 ? undefined : time), state: 'unread' })
            for (const frontier of [told, asked]) frontier.discovered(splits.at(-1)?.one ?? split())
          } else if (found === undefined) continue
          else if (what === 'open' && found.state === 'unread') {
            found.state = 'open'
            for (const frontier of [told, asked]) frontier.opened(found.one)
          } else if (found.state !== 'open') continue
          else if (what === 'move') found.one.watermark.current = Math.max(found.one.watermark.current, time)
          else if (what === 'end') {
            found.state = 'ended'
            for (const frontier of [told, asked]) frontier.ended(found.one)
          } else for (const frontier of [told, asked]) frontier.setIdle(found.one, what === 'idle')
          expect(told.combine(what === 'move' ? found?.one : undefined)).toBe(asked.combine())
          expect(told.allIdle).toBe(
            splits.every(({ one, state }) => state === 'ended' || (state === 'open' && told.isIdle(one))),
          )
        }
      }),
    )
  })
})
