// The machine under driven runs: time, turns and death are in the hands of the test.
import { describe, expect, it } from 'vitest'
import { DrivenMachine } from '../../../src/testing/driver/driven-machine.ts'

describe('the driven machine', () => {
  it('DM1: its clock moves by advance only, and stops at each timer on the way', async () => {
    const machine = new DrivenMachine(1000)
    const { timers, clock } = machine.boot()
    const fired: number[] = []
    timers.set(30, () => fired.push(clock.now()))
    timers.set(10, () => {
      fired.push(clock.now())
      timers.set(5, () => fired.push(clock.monotonic()))
    })
    const cleared = timers.set(20, () => fired.push(-1))
    cleared.clear()
    await machine.settle()
    expect([machine.now, fired]).toEqual([1000, []])
    await machine.advance(29)
    expect([machine.now, fired]).toEqual([1029, [1010, 1015]])
    await machine.advance(1)
    expect(fired).toEqual([1010, 1015, 1030])
  })

  it('DM2: settles when all turns, timers that are due and file operations are done', async () => {
    const machine = new DrivenMachine(0)
    const { timers, files } = machine.boot()
    const done: string[] = []
    const work = async (): Promise<void> => {
      for (let turn = 0; turn < 50; turn++) await timers.yield()
      const file = await files.open('/a', 'create')
      await file.write(new Uint8Array([1]))
      await file.close()
      await new Promise<void>((resolve) => timers.set(0, resolve))
      done.push('all')
    }
    void work()
    await machine.settle()
    expect(done).toEqual(['all'])
  })

  it('DM3: lets nothing happen in a process that was killed, and keeps its files', async () => {
    const machine = new DrivenMachine(0)
    const first = machine.boot()
    await first.files.open('/a', 'create')
    const done: string[] = []
    void first.timers.yield().then(() => done.push('turn'))
    void first.files.open('/b', 'create').then(
      () => done.push('file'),
      () => done.push('error'),
    )
    first.timers.set(0, () => done.push('timer'))
    machine.kill({ power: false })
    const second = machine.boot()
    first.timers.set(0, () => done.push('late timer'))
    await machine.advance(1000)
    expect(done).toEqual([])
    expect(await second.files.status('/a')).toMatchObject({ kind: 'file' })
    expect(await second.processes.state(await first.processes.self())).toBe('dead')
  })

  it('says so when a process never comes to rest', async () => {
    const machine = new DrivenMachine(0)
    const { timers } = machine.boot()
    const again = (): void => void timers.set(0, again)
    again()
    await expect(machine.settle()).rejects.toMatchObject({ code: 'run/stalled' })
  })
})
