/**
 * The sessions of one key in order of time: a splay tree on records (Sleator, Tarjan, "Self-Adjusting Binary Search
 * Trees", JACM 1985, top-down form).
 *
 * The session that was used last is at the root, where the next row is looked for first; sessions that open one after
 * another each cost one step, and any order costs the logarithm of their number, amortized. Sessions of a key never touch,
 * so a time lies in one of them, or between two. Where the root is kept is its owner's business.
 *
 * Links are record numbers + 1, 0 for none.
 */
import type { GroupTable, RecordField } from '../../state/index.ts'

/** The fields of a session that the tree reads and writes. */
export interface SessionTreeFields {
  readonly start: RecordField
  readonly last: RecordField
  /** Sessions before and after this one. */
  readonly left: RecordField
  readonly right: RecordField
}

/** Operations on the trees of one table of sessions. */
export class SessionTree {
  readonly #table: GroupTable
  readonly #fields: SessionTreeFields

  constructor(table: GroupTable, fields: SessionTreeFields) {
    this.#table = table
    this.#fields = fields
  }

  /** −1, 0 or 1: the time lies before, in, or behind a session. */
  side(session: number, time: number): number {
    const { f64, words } = this.#table
    const base = session * (words >> 1)
    if (time < (f64[base + this.#fields.start.offset] as number)) return -1
    return time > (f64[base + this.#fields.last.offset] as number) ? 1 : 0
  }

  /**
   * Brings the session that contains a time to the root, or one of the two between which it lies; gives the new root.
   */
  splay(root: number, time: number): number {
    const { left, right } = this.#fields
    let node = root
    // What was passed by: the sessions before the time, and those behind it, each with the end where it grows.
    let [before, beforeEnd, behind, behindEnd] = [0, -1, 0, -1]
    for (;;) {
      const side = this.side(node, time)
      if (side === 0) break
      const [down, up] = side < 0 ? [left, right] : [right, left]
      let child = this.#get(node, down)
      if (child === 0) break
      if (this.side(child - 1, time) === side) {
        node = this.#rotate(node, child - 1, down, up)
        child = this.#get(node, down)
        if (child === 0) break
      }
      if (side < 0) {
        if (behindEnd < 0) behind = node + 1
        else this.#set(behindEnd, left, node + 1)
        behindEnd = node
      } else {
        if (beforeEnd < 0) before = node + 1
        else this.#set(beforeEnd, right, node + 1)
        beforeEnd = node
      }
      node = child - 1
    }
    if (beforeEnd < 0) before = this.#get(node, left)
    else this.#set(beforeEnd, right, this.#get(node, left))
    if (behindEnd < 0) behind = this.#get(node, right)
    else this.#set(behindEnd, left, this.#get(node, right))
    this.#set(node, left, before)
    this.#set(node, right, behind)
    return node
  }

  /** The session next to the root on one side, which becomes its child and has nothing between them; −1 for none. */
  neighbour(root: number, side: number): number {
    const link = side < 0 ? this.#fields.left : this.#fields.right
    const child = this.#get(root, link)
    if (child === 0) return -1
    const next = this.splay(child - 1, side < 0 ? Infinity : -Infinity)
    this.#set(root, link, next + 1)
    return next
  }

  /** Puts a session that is in no tree above the root, next to it on one side. */
  insert(root: number, session: number, side: number): void {
    const [towards, away] = this.#links(side)
    this.#set(session, towards, this.#get(root, towards))
    this.#set(session, away, root + 1)
    this.#set(root, towards, 0)
  }

  /** The neighbour becomes the root. */
  raise(root: number, neighbour: number, side: number): void {
    const [towards, away] = this.#links(side)
    this.#set(root, towards, 0)
    this.#set(neighbour, away, root + 1)
  }

  /** Takes the neighbour out. */
  removeNeighbour(root: number, neighbour: number, side: number): void {
    const [towards] = this.#links(side)
    this.#set(root, towards, this.#get(neighbour, towards))
  }

  /** Takes the root out; gives the new root, −1 when the tree is empty. */
  removeRoot(root: number): number {
    const before = this.neighbour(root, -1)
    const behind = this.#get(root, this.#fields.right)
    if (before < 0) return behind - 1
    this.#set(before, this.#fields.right, behind)
    return before
  }

  #rotate(node: number, child: number, down: RecordField, up: RecordField): number {
    this.#set(node, down, this.#get(child, up))
    this.#set(child, up, node + 1)
    return child
  }

  #links(side: number): readonly [RecordField, RecordField] {
    const { left, right } = this.#fields
    return side < 0 ? [left, right] : [right, left]
  }

  #get(session: number, { offset }: RecordField): number {
    return this.#table.i32[session * this.#table.words + offset] as number
  }

  #set(session: number, { offset }: RecordField, value: number): void {
    this.#table.i32[session * this.#table.words + offset] = value
  }
}
