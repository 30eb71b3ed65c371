/**
 * The generated loops of a lookup join: from key columns to groups of a table, key and probe inline.
 *
 * One function per layout of the key columns. Names of columns never reach the source text: lanes are numbered.
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount } from '../../data/batch.ts'
import type { Column } from '../../data/column.ts'
import { generate } from '../../data/generate.ts'
import { hashSource, keyShape, keySource } from '../../state/index.ts'
import type { GroupTable, KeyLayout, StringColumn, StringProbe, StringTable } from '../../state/index.ts'

/** What the loops are generated from. */
export interface LookupKernelParts {
  readonly key: KeyLayout
  /** Words of a record: the key's, then the group's first row and its last. */
  readonly groupWords: number
  /** Makes what turns the cells of one string column into numbers. */
  readonly strings: () => StringColumn | StringProbe
  /** `insert`: the group of each live row goes to `out[live row]`. `skip`: its first row goes to `out[physical row]`. */
  readonly onMissing: 'insert' | 'skip'
}

/** What a loop runs against. */
export interface LookupTarget {
  readonly groups: GroupTable
  readonly strings: StringTable
  /** −1 for rows whose key has a null part or, when skipping, is not there. */
  readonly out: Int32Array
}

/** Runs over all live rows; gives how many have a group. */
type LookupLoop = (
  lanes: readonly unknown[],
  selection: Int32Array | undefined,
  rows: number,
  target: LookupTarget,
) => number

/** The loops of one side of a join. */
export class LookupKernels {
  readonly #parts: LookupKernelParts
  readonly #strings: readonly (StringColumn | StringProbe | undefined)[]
  readonly #loops = new Map<string, LookupLoop>()

  constructor(parts: LookupKernelParts) {
    this.#parts = parts
    this.#strings = parts.key.parts.map(({ kind }) => (kind === 'string' ? parts.strings() : undefined))
  }

  run(batch: Batch, target: LookupTarget): number {
    const columns = this.#parts.key.parts.map(({ column }) => batch.columns[column] as Column)
    const hasSelection = batch.selection !== undefined
    const signature = `${hasSelection ? 's' : ''},${columns.map(keyShape).join(',')}`
    let loop = this.#loops.get(signature)
    if (loop === undefined) {
      loop = this.#compile(batch, columns)
      this.#loops.set(signature, loop)
    }
    return loop(this.#lanes(columns), batch.selection, rowCount(batch), target)
  }

  /** Forgets which strings were not there. */
  forget(): void {
    for (const strings of this.#strings) if (strings !== undefined && 'forget' in strings) strings.forget()
  }

  /** Four per key column, as `#compile` names them. */
  #lanes(columns: readonly Column[]): unknown[] {
    return columns.flatMap((column, p) => {
      const strings = this.#strings[p]
      strings?.bind(column)
      const codes = column.layout === 'dictionary' ? column.codes : undefined
      return [column.validity, strings === undefined ? wordsOf(column) : strings.numbers, codes, strings]
    })
  }

  #compile(batch: Batch, columns: readonly Column[]): LookupLoop {
    const { key, groupWords, onMissing } = this.#parts
    const words = Array.from({ length: key.words }, (_, w) => `k${w}`)
    const { seeds, tag, statements } = hashSource(words)
    const base = `(e - 1) * ${groupWords}`
    const rest = words.map((word, w) => ` && G[${base}${w === 0 ? '' : ` + ${w}`}] === ${word}`).join('')
    // A key of one word is its own tag.
    const isSame = `X[2 * slot] === ${tag}${words.length === 1 ? '' : rest}`
    const isInserting = onMissing === 'insert'
    const place = isInserting ? 'n' : 'i'
    const lanes = columns.map(
      (_, p) =>
        `const v${p} = lanes[${4 * p}], c${p} = lanes[${4 * p + 1}], d${p} = lanes[${4 * p + 2}], s${p} = lanes[${4 * p + 3}];`,
    )
    const nulls = columns.map((column, p) =>
      column.validity === undefined
        ? ''
        : `if ((v${p}[i >> 3] & (1 << (i & 7))) === 0) { out[${place}] = -1; continue; }`,
    )
    const insert = `
        ${words.map((word, w) => `key[${w}] = ${word};`).join(' ')}
        out[n] = groups.insertAt(slot, ${tag});
        X = groups.index; mask = groups.mask; shift = groups.shift; G = groups.i32;
        ${key.stringWords.map((word) => `strings.retain(k${word});`).join(' ')}
        found++;
        break;`
    return generate<() => LookupLoop>(
      [],
      `
const scratchF = new Float64Array(1), scratchI = new Int32Array(scratchF.buffer);
return function lookUp(lanes, selection, rows, target) {
  const { groups, strings, out } = target;
  const { key, seed } = groups;
  ${seeds}
  ${lanes.join('\n  ')}
  let X = groups.index, mask = groups.mask, shift = groups.shift, G = groups.i32;
  let found = 0;
  for (let n = 0; n < rows; n++) {
    const i = ${batch.selection === undefined ? 'n' : 'selection[n]'};
    ${nulls.join('\n    ')}
    ${keySource(key, batch.columns)}
    ${statements}
    for (;;) {
      const e = X[2 * slot + 1];
      if (e === 0) { ${isInserting ? insert : 'out[i] = -1; break;'} }
      if (${isSame}) {
        out[${place}] = ${isInserting ? 'e - 1' : `G[${base} + ${key.words}]`};
        found++;
        break;
      }
      slot = (slot + 1) & mask;
    }
  }
  return found;
}`,
    )()
  }
}

/** Values of a fixed column; a wide one seen as words. */
function wordsOf(column: Column): unknown {
  if (column.layout === 'fixed') return column.values
  if (column.layout !== 'wide') return undefined
  return new Int32Array(column.values.buffer, column.values.byteOffset, column.values.length * 2)
}
