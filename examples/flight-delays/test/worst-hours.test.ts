import { describe, expect, it } from 'vitest'
import { worstHoursTable } from '../worst-hours.ts'

const hours = [
  { origin: 'SEA', window_start: Date.UTC(2001, 0, 2, 3), flights: 25, mean_delay: 120.4, late_share: 0.964 },
  { origin: 'ATL', window_start: Date.UTC(2001, 4, 6, 17), flights: 1034, mean_delay: 60.2, late_share: 0.5 },
  { origin: 'LAX', window_start: Date.UTC(2001, 4, 6, 18), flights: 20, mean_delay: -3, late_share: 0 },
]

describe('the table of the worst hours', () => {
  it('has a bar as long as the delay', () => {
    expect(worstHoursTable(hours, 70)).toBe(
      [
        '  airport  hour              flights    late  mean delay',
        '  SEA      2001-01-02 03:00       25    96 %     120 min  ███████████',
        '  ATL      2001-05-06 17:00     1034    50 %      60 min  █████▌',
        '  LAX      2001-05-06 18:00       20     0 %      -3 min',
      ].join('\n'),
    )
  })

  it('is not wider than the terminal, from 67 columns on', () => {
    for (let width = 67; width < 200; width++) {
      const longest = Math.max(
        ...worstHoursTable(hours, width)
          .split('\n')
          .map((line) => line.length),
      )
      expect(longest).toBeLessThanOrEqual(width)
    }
  })
})
