// Windows as plain data, and those that are refused.
import { describe, expect, it } from 'vitest'
import { globalWindow, pipeline, session, sliding, tumbling } from '../../src/index.ts'
import { flights } from './planned-ends.ts'

describe('windows', () => {
  it.each([
    [tumbling('1 hour'), { kind: 'tumbling', sizeMs: 3_600_000, offsetMs: 0 }],
    [tumbling('1 day', { offset: '26 h' }), { kind: 'tumbling', sizeMs: 86_400_000, offsetMs: 7_200_000 }],
    [sliding('1 hour', '5 min'), { kind: 'sliding', sizeMs: 3_600_000, slideMs: 300_000, offsetMs: 0 }],
    [
      sliding('1 min', '1 hour', { gaps: true }),
      { kind: 'sliding', sizeMs: 60_000, slideMs: 3_600_000, offsetMs: 0 },
    ],
    [session('30 min'), { kind: 'session', gapMs: 1_800_000 }],
    [globalWindow(), { kind: 'global' }],
  ])('are plain data %#', (window, expected) => {
    expect(window).toEqual(expected)
  })

  it.each([
    () => tumbling(0),
    () => sliding('1 hour', 0),
    () => sliding('365 days', '1 s'),
    () => sliding('5 min', '1 hour'),
    () => session(0),
    () => tumbling('soon'),
    () => tumbling(-5),
  ])('refuse sizes that make no sense %#', (make) => {
    expect(make).toThrow(expect.objectContaining({ domain: 'user', hint: expect.any(String) as string }))
  })

  it('need event time, named with the step', () => {
    const broken = pipeline('p', (p) => {
      p.read('a', flights)
        .keyBy('k', 'origin')
        .window(tumbling('1 h'))
        .aggregate('x', (a) => ({ n: a.count() }))
    })
    expect(() => broken.build()).toThrow(expect.objectContaining({ code: 'plan/no-event-time', step: 'x' }))
  })
})
