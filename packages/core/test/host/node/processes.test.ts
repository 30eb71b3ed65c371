import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { createNodeHost } from '../../../src/host/node/index.ts'

const { processes } = createNodeHost()

/** Another process as it says of itself, and a way to kill it. */
async function otherProcess(): Promise<{ pid: number; kill: () => Promise<void> }> {
  const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1e6)'])
  await once(child.stdout, 'data')
  return {
    pid: child.pid as number,
    async kill() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

describe('processes of this machine', () => {
  it('this one is not dead, and what is written down of it is the same again', async () => {
    const self = await processes.self()
    expect(self.pid).toBe(process.pid)
    expect(JSON.parse(JSON.stringify(await processes.self()))).toEqual(self)
    expect(await processes.state(self)).toBe(process.platform === 'linux' ? 'alive' : 'unknown')
  })

  it('one that was killed is dead, and was not before', async () => {
    const self = await processes.self()
    const other = await otherProcess()
    try {
      // That its start is not known says nothing against it.
      expect(await processes.state({ ...self, pid: other.pid, start: '' })).toBe('unknown')
    } finally {
      await other.kill()
    }
    expect(await processes.state({ ...self, pid: other.pid })).toBe('dead')
  })

  it.runIf(process.platform === 'linux')('a number that was given again is another process', async () => {
    const self = await processes.self()
    expect(await processes.state({ ...self, start: '1' })).toBe('dead')
  })

  it('nothing is known of other machines, boots and containers', async () => {
    const self = await processes.self()
    for (const away of [{ machine: 'elsewhere' }, { boot: 'another' }, { space: 'pid:[1]' }]) {
      expect(await processes.state({ ...self, ...away, pid: 2 ** 22 - 1 })).toBe('unknown')
    }
  })
})
