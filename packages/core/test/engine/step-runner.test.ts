// A step tells what follows of watermarks and idleness in an order that loses no row.
import { describe, expect, it } from 'vitest'
import type { Operator } from '../../src/engine/operator.ts'
import type { Receiver } from '../../src/engine/output-port.ts'
import { StepRunner } from '../../src/engine/step-runner.ts'

/** A step whose watermarks need so many slices each; everything that leaves it is told. */
function stepOf(slices: number): {
  runner: StepRunner
  input: Receiver
  told: string[]
  pending: StepRunner[]
} {
  const told: string[] = []
  const pending: StepRunner[] = []
  let left = slices
  const operator: Operator = {
    push: () => undefined,
    advance(watermark) {
      told.push(`rows due at ${watermark}`)
      left--
      if (left > 0) return false
      left = slices
      return true
    },
    release: () => told.push('release'),
    close: () => undefined,
  }
  const receiver: Receiver = {
    push: () => undefined,
    watermark: (watermark) => told.push(`watermark ${watermark}`),
    idle: (idle) => told.push(idle ? 'idle' : 'active'),
    end: () => told.push('end'),
  }
  const counters = {
    rowsIn: 0,
    rowsOut: 0,
    lateRows: 0,
    rejectedRows: 0,
    stateEntries: 0,
    pendingTimers: 0,
    waitingRows: 0,
    stateBytes: 0,
  }
  const ports = new Map([['main', { routes: [], receivers: [receiver] }]])
  const runner = new StepRunner(
    'step',
    { operator, counters, ports },
    { pending: (waiting) => pending.push(waiting) },
  )
  return { runner, input: runner.addChannel(0), told, pending }
}

describe('SR1: a step whose input falls idle', () => {
  it('says so behind the watermark in progress', () => {
    const { input, told, pending } = stepOf(3)
    input.watermark(10)
    input.idle(true)
    expect(told).toEqual(['rows due at 10'])
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) next.proceed()
    expect(told.slice(1)).toEqual(['rows due at 10', 'rows due at 10', 'watermark 10', 'release', 'idle'])
  })

  it('says so at once when nothing is in progress', () => {
    const { input, told } = stepOf(1)
    input.watermark(10)
    input.idle(true)
    input.idle(false)
    expect(told).toEqual(['rows due at 10', 'watermark 10', 'release', 'idle', 'active'])
  })

  it('says nothing of an idleness that is over before the watermark is', () => {
    const { input, told, pending } = stepOf(2)
    input.watermark(10)
    input.idle(true)
    input.idle(false)
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) next.proceed()
    expect(told).toEqual(['rows due at 10', 'rows due at 10', 'watermark 10'])
  })
})
