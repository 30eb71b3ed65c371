// The epochs that are kept, as text: all of it where nobody looks, and what fits on a terminal.
import type { KeptCheckpoint } from '@millrace/core/runtime'
import { describe, expect, it } from 'vitest'
import { checkpointsText, checkpointText } from '../src/report/checkpoints-text.ts'

function kept(epoch: number): KeptCheckpoint {
  return {
    number: epoch + 1,
    stateBytes: 123_456_789,
    newBytes: 6_540_000,
    manifest: {
      kind: 'manifest',
      epoch,
      attempt: 12,
      lineage: '068d16aa4b4256a4',
      atMs: 1_772_922_600_123,
      rows: { 'out-of-the-first-branch': 1_234_567, 'out-of-the-second-branch': 2_345_678 },
      state: [
        { step: 'a-step-with-a-long-name', name: 'state/a12-e1234-15', bytes: 12_345_678, full: true, epoch },
      ],
      pending: [],
      delivered: epoch,
      mode: 'continuous',
      end: 'stopped',
    },
  } as unknown as KeptCheckpoint
}

const epochs = { epochs: [kept(1233), kept(1234)], bytes: 130_000_000 }
const lines = (text: string): readonly string[] => text.split('\n')
const longest = (text: string): number => Math.max(...lines(text).map((line) => line.length))

describe('the table of epochs', () => {
  it('is whole where nobody looks', () => {
    const text = checkpointsText(epochs, '/kept')
    expect(lines(text)[1]).toMatch(/^epoch +durable since +attempt +lineage +state +new +rows +end$/)
    expect(text).toContain('2026-03-07T22:30:00.123Z')
    expect(text).toContain('068d16aa4b4256a4')
  })

  it.each([79, 60])('fits a terminal of %i columns: times to the second, then fewer columns', (width) => {
    const text = checkpointsText(epochs, '/kept', width)
    expect(longest(text)).toBeLessThanOrEqual(width)
    expect(text).toContain('1,234  2026-03-07T22:30Z')
    expect(text.includes('068d16a ')).toBe(width === 79)
    expect(text).toMatch(/3,580,245 {2}stopped\n$/)
  })
})

it('one epoch is broken at the width of a terminal, under its text', () => {
  const text = checkpointText(kept(1234), 79)
  expect(longest(text)).toBeLessThanOrEqual(79)
  expect(longest(checkpointText(kept(1234)))).toBeGreaterThan(79)
  expect(text).toMatch(/\n {2}outputs: .*\n {4}\S/)
})
