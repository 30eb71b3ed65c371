/**
 * Whether a process still runs, by its number, its start and the kernel that counted them.
 *
 * A number alone says little: numbers are given again, start anew with every boot, and mean something else in every
 * container. Linux tells all of it under /proc; elsewhere only that a number is free is certain.
 */
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { ProcessIdentity, Processes } from '../host.ts'

/** Where the start time stands in /proc/…/stat, counted from behind the name in brackets (proc(5): field 22 of all). */
const START_FIELD = 19

/** Processes of this machine. */
export const nodeProcesses: Processes = {
  async self() {
    const [boot, space, own] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
      readlink('/proc/self/ns/pid').catch(() => ''),
      statusOf(process.pid),
    ])
    return { machine: hostname(), boot: boot.trim(), space, pid: process.pid, start: own?.start ?? '' }
  },
  async state(of) {
    const self = await nodeProcesses.self()
    const isComparable = of.machine === self.machine && of.boot === self.boot && of.space === self.space
    if (!isComparable || (process.platform === 'linux' && !isPlaced(self))) return 'unknown'
    if (!hasProcess(of.pid)) return 'dead'
    const found = await statusOf(of.pid)
    // It may hide from us, or this system may not tell when processes began.
    if (found === undefined || of.start === '') return 'unknown'
    return found.start === of.start && !found.ended ? 'alive' : 'dead'
  },
}

function isPlaced({ boot, space }: ProcessIdentity): boolean {
  return boot !== '' && space !== ''
}

function hasProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is there and belongs to someone else.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}

async function statusOf(
  pid: number,
): Promise<{ readonly start: string; readonly ended: boolean } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  // Killed, and not yet fetched by its parent.
  const ended = fields[0] === 'Z' || fields[0] === 'X'
  return { start: fields[START_FIELD] ?? '', ended }
}
