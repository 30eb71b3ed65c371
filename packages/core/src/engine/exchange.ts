/**
 * Exchanges between the tasks of one thread: which task takes which rows.
 *
 * Within a thread nothing is copied: a receiving task gets the sender's columns with a selection of its own rows. (For
 * exchanges between threads the rows will be compacted and encoded by data/codec; this file then stays the router.)
 * Key groups are the unit of placement: group = hash & (keyGroups − 1), task = floor(group × tasks / keyGroups), so a
 * task owns a contiguous range of groups at any parallelism.
 */
import type { Batch } from '../data/batch.ts'
import { rowCount } from '../data/batch.ts'
import { checkKeyGroups, hashKeys, keyGroupOf } from '../data/key-hash.ts'
import { columnIndex } from '../data/schema.ts'
import type { Schema } from '../data/type.ts'
import { assert } from '../errors.ts'
import type { ExchangeKind } from '../plan/physical.ts'

/** Takes the rows of one sender for all receiving tasks. */
export type Route = (batch: Batch) => void

/** The task that owns a key group. */
function taskOfKeyGroup(group: number, tasks: number, keyGroups: number): number {
  return Math.floor((group * tasks) / keyGroups)
}

/** The key groups that a task owns: the first, and the one behind the last. */
export function keyGroupsOf(task: number, tasks: number, keyGroups: number): readonly [number, number] {
  return [Math.ceil((task * keyGroups) / tasks), Math.ceil(((task + 1) * keyGroups) / tasks)]
}

/** Makes the router of one sending task; `send[i]` hands rows to receiving task i. */
export function createRoute(
  exchange: ExchangeKind,
  schema: Schema,
  send: readonly Route[],
  options: { readonly task: number; readonly keyGroups: number },
): Route {
  const single = send[0]
  if (send.length === 1 && single !== undefined) return single
  switch (exchange.kind) {
    case 'forward': {
      const target = send[options.task % send.length] as Route
      return target
    }
    case 'broadcast':
      return (batch) => {
        for (const target of send) target(batch)
      }
    case 'gather':
      assert(false, `rows are gathered in one task, and the stage has ${send.length}`)
    case 'key-group':
      return new KeyGroupRouter(schema, exchange.keys, send, options.keyGroups).route
  }
}

class KeyGroupRouter {
  private readonly keyColumns: readonly number[]
  private readonly taskOfGroup: Int32Array
  private readonly send: readonly Route[]
  private readonly counts: Int32Array
  private hashes = new Int32Array(0)
  private selections: Int32Array[] = []

  constructor(schema: Schema, keys: readonly string[], send: readonly Route[], keyGroups: number) {
    checkKeyGroups(keyGroups)
    this.keyColumns = keys.map((key) => columnIndex(schema, key))
    this.send = send
    this.counts = new Int32Array(send.length)
    this.taskOfGroup = Int32Array.from({ length: keyGroups }, (_, group) =>
      taskOfKeyGroup(group, send.length, keyGroups),
    )
  }

  readonly route = (batch: Batch): void => {
    const rows = rowCount(batch)
    this.reserve(batch.length)
    hashKeys(batch, this.keyColumns, this.hashes)
    this.scatter(batch, rows)
    for (let task = 0; task < this.send.length; task++) {
      const selectedCount = this.counts[task] as number
      if (selectedCount === 0) continue
      const target = this.send[task] as Route
      target({ ...batch, selection: this.selections[task], selectedCount })
    }
  }

  private reserve(length: number): void {
    if (this.hashes.length >= length) return
    this.hashes = new Int32Array(length)
    this.selections = this.send.map(() => new Int32Array(length))
  }

  /** Hashes are indexed by physical row. */
  private scatter(batch: Batch, rows: number): void {
    const { hashes, selections, counts, taskOfGroup } = this
    const keyGroups = taskOfGroup.length
    const { selection } = batch
    counts.fill(0)
    for (let n = 0; n < rows; n++) {
      const i = selection === undefined ? n : (selection[n] as number)
      const task = taskOfGroup[keyGroupOf(hashes[i] as number, keyGroups)] as number
      const at = counts[task] as number
      ;(selections[task] as Int32Array)[at] = i
      counts[task] = at + 1
    }
  }
}
