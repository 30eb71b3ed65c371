/**
 * The generated loops over keyed rows: key, probe and accumulators inline.
 *
 * One function per layout of the columns it reads. It runs over live rows until one lies outside [windowStart,
 * windowEnd) and gives back how far it came; which table takes the rows that follow is decided outside, once per
 * change of window. Rows of a steady stream change window a few times per batch at most.
 *
 * Names of columns never reach the source text: lanes are numbered.
 */
import type { Batch } from '../../data/batch.ts'
import type { Column } from '../../data/column.ts'
import { generate } from '../../data/generate.ts'
import type { GroupTable, KeyLayout, KeyPart, RecordField, StringTable } from '../../state/index.ts'
import { StringColumn, hashSource, keyShape, keySource } from '../../state/index.ts'
import type { Aggregate, InlineNames } from '../aggregates/index.ts'
import type { BoundAggregate } from '../window/window-aggregate-parts.ts'

/** Rows of which home slots are looked at ahead: more than a processor waits for at once, few enough to stay in its cache. */
const AHEAD_ROWS = 256

/** Adds live rows `from … to)` while they are in the window; gives the first row that is not. */
export type AccumulateLoop = (
  lanes: readonly unknown[],
  time: Float64Array | undefined,
  selection: Int32Array | undefined,
  from: number,
  to: number,
  windowStart: number,
  windowEnd: number,
  table: GroupTable,
) => number

/** A kernel ready for the batch it was bound to. */
export interface BoundKernel {
  readonly loop: AccumulateLoop
  readonly lanes: readonly unknown[]
}

/** A value that the generated code hoists into a local. */
interface Lane {
  readonly name: string
  readonly of: (batch: Batch) => unknown
}

/** What a kernel is generated from. */
export interface KernelParts {
  readonly key: KeyLayout
  readonly strings: StringTable
  readonly aggregates: readonly BoundAggregate[]
  /** Words of a record of the table of groups. */
  readonly groupWords: number
  /** Words of a record that holds accumulators; for panes the same. */
  readonly recordWords: number
  /** Groups are never deleted while the table lives, so that dictionary codes may be remembered with their group. */
  readonly hasStableGroups: boolean
  /** What to do with a row whose group was found. */
  readonly shape: KernelShape
}

/** The three loops that begin with finding a row's group. */
export type KernelShape =
  /** Adds the row to the group; stops at the first row outside the window when it checks time. */
  | { readonly kind: 'pane'; readonly checksTime: boolean }
  /** Writes the group's number to `groups`, by live row. */
  | { readonly kind: 'locate'; readonly groups: () => Int32Array }
  /** Adds the row to a session of the group. */
  | { readonly kind: 'session'; readonly sessions: SessionPlacer }

/** What the loop for sessions needs besides their table, where it finds the session of a key that was used last. */
export interface SessionPlacer {
  readonly gapMs: number
  /** NaN in a new record. */
  readonly start: RecordField
  readonly last: RecordField
  /** Both 0 when the key has no other session. */
  readonly left: RecordField
  readonly right: RecordField
  /** 0 while the session has not fired; undefined when fired sessions are not kept. */
  readonly state: RecordField | undefined
  /** The session for a row that does not simply fall into the one that was found; −1 when the row is late. */
  place(found: number, time: number, row: number): number
}

/** Kernels of one operator, by the layout of the columns they read. */
export class KeyedKernels {
  /**
   * Whether records are marked that change: from the first snapshot on. Before it all records are as new, and marked
   * since they were allocated, so that a run without checkpoints pays for nothing.
   */
  marksChanges = false
  readonly #parts: KernelParts
  readonly #strings: readonly (StringColumn | undefined)[]
  readonly #kernels = new Map<string, { readonly loop: AccumulateLoop; readonly lanes: readonly Lane[] }>()

  constructor(parts: KernelParts) {
    this.#parts = parts
    this.#strings = parts.key.parts.map((part) =>
      part.kind === 'string' ? new StringColumn(parts.strings) : undefined,
    )
  }

  /** The kernel for a batch, with its lanes filled. */
  bind(batch: Batch, selection: Int32Array | undefined): BoundKernel {
    const signature = this.#signature(batch, selection)
    let kernel = this.#kernels.get(signature)
    if (kernel === undefined) {
      kernel = this.#compile(batch, selection !== undefined)
      this.#kernels.set(signature, kernel)
    }
    for (const [p, part] of this.#parts.key.parts.entries())
      this.#strings[p]?.bind(batch.columns[part.column] as Column)
    return { loop: kernel.loop, lanes: kernel.lanes.map((lane) => lane.of(batch)) }
  }

  #signature(batch: Batch, selection: Int32Array | undefined): string {
    const shapes = [`${selection === undefined ? '' : 's'}${this.marksChanges ? 'm' : ''}`]
    const { key, aggregates } = this.#parts
    for (const part of key.parts) shapes.push(keyShape(batch.columns[part.column] as Column))
    for (const { inputs, filter } of aggregates) {
      if (inputs[0] !== undefined) shapes.push(keyShape(batch.columns[inputs[0].index] as Column))
      if (filter >= 0) shapes.push(keyShape(batch.columns[filter] as Column))
    }
    return shapes.join(',')
  }

  #compile(
    batch: Batch,
    hasSelection: boolean,
  ): { readonly loop: AccumulateLoop; readonly lanes: readonly Lane[] } {
    const lanes: Lane[] = []
    const { shape, hasStableGroups, key, recordWords } = this.#parts
    const keys = keyLanes(key.parts, { batch, strings: this.#strings, lanes, hasStableGroups })
    lanes.push({ name: 'strings', of: () => this.#parts.strings })
    const adds = this.#parts.aggregates.map((bound, a) => addSource(bound, a, batch, lanes)).join('\n')
    const checksTime = shape.kind === 'pane' && shape.checksTime
    const use = this.#useOfGroup(lanes)
    const words = Array.from({ length: key.words }, (_, w) => `k${w}`)
    const hash = hashSource(words)
    const hoisted = [
      ...new Map(lanes.map((lane, n) => [lane.name, `const ${lane.name} = lanes[${n}];`])).values(),
    ]
    const at = `const i = ${hasSelection ? 'selection[n]' : 'n'};`
    const probe = this.#probe(words, hash)
    const load = keySource(key, batch.columns)
    const rows =
      shape.kind === 'locate'
        ? aheadSource({ at, load, words, hash: hash.statements, use: `${probe} ${use.statements}` })
        : `
  for (let n = from; n < to; n++) {
    ${at}
    ${checksTime ? 'const t = time[i]; if (!(t >= windowStart && t < windowEnd)) return n;' : ''}
    let group = -1;
    ${keys.shortcut(`${load} ${hash.statements} ${probe}`)}
    ${use.statements}
    const r = record * ${recordWords}, q = record * ${recordWords / 2};
    ${adds}
  }`
    const body = `
const scratchF = new Float64Array(1), scratchI = new Int32Array(scratchF.buffer);
${shape.kind === 'locate' ? `const ahead = new Int32Array(${AHEAD_ROWS * Math.max(1, words.length) + 1});` : ''}
return function accumulate(lanes, time, selection, from, to, windowStart, windowEnd, table) {
  ${hoisted.join('\n  ')}
  const key = table.key;
  const seed = table.seed;
  ${hash.seeds}
  let X = table.index, mask = table.mask, shift = table.shift, G = table.i32;
  ${use.prologue}
  ${keys.prologue}
  ${rows}
  return to;
}`
    return { loop: generate<() => AccumulateLoop>([], body)(), lanes }
  }

  /** From `group` to `store` and `record`: where the accumulators are. */
  #useOfGroup(lanes: Lane[]): { readonly prologue: string; readonly statements: string } {
    const { shape, recordWords } = this.#parts
    const prologue = 'const store = table; let I = store.i32, F = store.f64, C = store.changed;'
    const reload = 'I = store.i32; F = store.f64; C = store.changed;'
    // Mostly set already: then nothing is stored.
    const mark = this.marksChanges
      ? 'const marks = C[record >> 5], mark = 1 << record; if ((marks & mark) === 0) C[record >> 5] = marks | mark;'
      : ''
    switch (shape.kind) {
      case 'pane':
        return {
          prologue,
          statements: `if (I !== G) { ${reload} } const record = group; ${mark}`,
        }
      case 'locate':
        lanes.push({ name: 'located', of: shape.groups })
        return { prologue: '', statements: 'located[n] = group;' }
      case 'session': {
        const { start, last, left, right, state, gapMs } = shape.sessions
        lanes.push({ name: 'sessions', of: () => shape.sessions })
        const at = (field: RecordField): string => `F[record * ${recordWords / 2} + ${field.offset}]`
        const isOpen = state === undefined ? '' : ` && I[record * ${recordWords} + ${state.offset}] === 0`
        return {
          prologue,
          statements: `
    if (I !== G) { ${reload} }
    const t = time[i];
    let record = group;
    // A row behind the last one may also touch the key's other sessions: only without them is it simple.
    const isAlone = (I[record * ${recordWords} + ${left.offset}] | I[record * ${recordWords} + ${right.offset}]) === 0;
    if (t >= ${at(start)} && t <= (isAlone ? ${at(last)} + ${gapMs} : ${at(last)})${isOpen}) {
      if (t > ${at(last)}) ${at(last)} = t;
    } else {
      record = sessions.place(group, t, i);
      ${reload} G = I;
      if (record < 0) continue;
    }
    ${mark}`,
        }
      }
    }
  }

  /** Statements that set `group` from key words and their home slot: probe, insertion. */
  #probe(words: readonly string[], { tag }: ReturnType<typeof hashSource>): string {
    const { key, groupWords } = this.#parts
    const isOneWord = words.length === 1
    const base = `(e - 1) * ${groupWords}`
    const same = isOneWord
      ? ''
      : words.map((word, w) => ` && G[${base}${w === 0 ? '' : ` + ${w}`}] === ${word}`).join('')
    return `
    for (;;) {
      const e = X[2 * slot + 1];
      if (e === 0) {
        ${words.map((word, w) => `key[${w}] = ${word};`).join(' ')}
        group = table.insertAt(slot, ${tag});
        X = table.index; mask = table.mask; shift = table.shift; G = table.i32;
        ${key.stringWords.map((word) => `strings.retain(k${word});`).join(' ')}
        break;
      }
      if (X[2 * slot] === ${tag}${same}) { group = e - 1; break; }
      slot = (slot + 1) & mask;
    }`
  }
}

/**
 * The loop over rows whose groups are only looked for: some rows ahead it looks at home slots, one beside the other, so
 * that in a table far beyond the cache the processor waits for many of them at once (Chen et al., Improving Hash Join
 * Performance through Prefetching, 2004: group prefetching).
 */
function aheadSource(source: {
  readonly at: string
  /** Statements that set the words of the key. */
  readonly load: string
  readonly words: readonly string[]
  /** Statements that set the home slot from them. */
  readonly hash: string
  readonly use: string
}): string {
  const { at, load, words, hash, use } = source
  const width = words.length
  return `
  for (let first = from; first < to; first += ${AHEAD_ROWS}) {
    const end = first + ${AHEAD_ROWS} < to ? first + ${AHEAD_ROWS} : to;
    let seen = 0;
    for (let n = first, a = 0; n < end; n++, a += ${width}) {
      ${at}
      ${load}
      ${hash}
      seen |= X[2 * slot + 1];
      ${words.map((word, w) => `ahead[a + ${w}] = ${word};`).join(' ')}
    }
    // What is stored has to be read.
    ahead[ahead.length - 1] = seen;
    for (let n = first, a = 0; n < end; n++, a += ${width}) {
      ${words.map((word, w) => `const ${word} = ahead[a + ${w}];`).join(' ')}
      let group = -1;
      ${hash}
      ${use}
    }
  }`
}

/** The lanes of the key columns, and the shortcut for one dictionary column: code to group by one array read. */
function keyLanes(
  parts: readonly KeyPart[],
  options: {
    readonly batch: Batch
    readonly strings: readonly (StringColumn | undefined)[]
    readonly lanes: Lane[]
    readonly hasStableGroups: boolean
  },
): { readonly prologue: string; readonly shortcut: (probe: string) => string } {
  const { batch, strings, lanes } = options
  for (const [p, part] of parts.entries()) {
    const string = strings[p]
    const columnOf = (of: Batch): Column => of.columns[part.column] as Column
    if (columnOf(batch).validity !== undefined)
      lanes.push({ name: `v${p}`, of: (of) => columnOf(of).validity })
    lanes.push({
      name: `c${p}`,
      of: (of) => (string === undefined ? keyWordsOf(columnOf(of)) : string.numbers),
    })
    if (string === undefined) continue
    lanes.push({ name: `s${p}`, of: () => string })
    lanes.push({
      name: `d${p}`,
      of: (of) => columnOf(of).layout === 'dictionary' && (columnOf(of) as { codes: unknown }).codes,
    })
  }
  const only = parts.length === 1 ? (parts[0] as KeyPart) : undefined
  if (only?.kind !== 'string' || !options.hasStableGroups) return { prologue: '', shortcut: (probe) => probe }
  const columnOf = (of: Batch): Column => of.columns[only.column] as Column
  if (columnOf(batch).layout !== 'dictionary') return { prologue: '', shortcut: (probe) => probe }
  lanes.push({ name: 'dictionary', of: (of) => (columnOf(of) as { dictionary: unknown }).dictionary })
  lanes.push({
    name: 'dictionaryLength',
    of: (of) => (columnOf(of) as { dictionaryLength: unknown }).dictionaryLength,
  })
  const valid =
    only.nullBit !== 0 && columnOf(batch).validity !== undefined
      ? '(v0[i >> 3] & (1 << (i & 7))) !== 0'
      : 'true'
  return {
    prologue: 'const groups = table.codesOf(dictionary, dictionaryLength);',
    shortcut: (probe) => `
    const known = ${valid};
    if (known) group = groups[d0[i]] - 1;
    if (group < 0) { ${probe}
      if (known) groups[d0[i]] = group + 1; }`,
  }
}

/** Values of a fixed column; a wide one seen as words. */
function keyWordsOf(column: Column): unknown {
  if (column.layout === 'fixed') return column.values
  if (column.layout !== 'wide') return undefined
  return new Int32Array(column.values.buffer, column.values.byteOffset, column.values.length * 2)
}

/** Statements that add row `i` to aggregate number `a`. */
function addSource(
  { aggregate, inputs, filter }: BoundAggregate,
  a: number,
  batch: Batch,
  lanes: Lane[],
): string {
  const column = inputs[0] === undefined ? undefined : (batch.columns[inputs[0].index] as Column)
  lanes.push({ name: `A${a}`, of: () => aggregate })
  const statements = inlineSource(aggregate, a, column) ?? `A${a}.update(store, record, i);`
  const conditions: string[] = []
  if (filter >= 0) conditions.push(filterSource(filter, batch, lanes))
  if (column !== undefined && column.validity !== undefined && aggregate.acceptsNulls !== true) {
    const index = (inputs[0] as { index: number }).index
    lanes.push({ name: `b${index}`, of: (of) => (of.columns[index] as Column).validity })
    conditions.push(`(b${index}[i >> 3] & (1 << (i & 7))) !== 0`)
  }
  if (column?.layout === 'fixed') {
    const index = (inputs[0] as { index: number }).index
    lanes.push({ name: `a${index}`, of: (of) => (of.columns[index] as { values: unknown }).values })
    const load = `const x${a} = a${index}[i];`
    return conditions.length === 0
      ? `{ ${load} ${statements} }`
      : `if (${conditions.join(' && ')}) { ${load} ${statements} }`
  }
  return conditions.length === 0 ? statements : `if (${conditions.join(' && ')}) { ${statements} }`
}

function inlineSource(aggregate: Aggregate, a: number, column: Column | undefined): string | undefined {
  const names: InlineNames = {
    value: `x${a}`,
    self: `A${a}`,
    field: (field: RecordField) =>
      field.kind === 'f64' ? `F[q + ${field.offset}]` : `I[r + ${field.offset}]`,
  }
  return aggregate.inline?.(names, column)
}

function filterSource(index: number, batch: Batch, lanes: Lane[]): string {
  lanes.push({ name: `a${index}`, of: (of) => (of.columns[index] as { values: unknown }).values })
  const isTrue = `a${index}[i] === 1`
  if ((batch.columns[index] as Column).validity === undefined) return isTrue
  lanes.push({ name: `b${index}`, of: (of) => (of.columns[index] as Column).validity })
  return `(b${index}[i >> 3] & (1 << (i & 7))) !== 0 && ${isTrue}`
}
