/**
 * State of one key as plain JavaScript: a variable, an array, a Map.
 */
import type { StateDeclaration } from '../../plan/index.ts'
import type { ListState, MapState, ValueState } from '../../sdk/process.ts'

/** Handles by name. */
export function plainState(declarations: readonly StateDeclaration[]): object {
  return Object.fromEntries(declarations.map(({ name, kind }) => [name, makers[kind]()]))
}

const makers: {
  readonly value: () => ValueState<unknown>
  readonly list: () => ListState<unknown>
  readonly map: () => MapState<unknown, unknown>
} = {
  value: () => {
    let value: unknown
    return {
      get: () => value,
      set: (next) => {
        value = next
      },
      clear: () => {
        value = undefined
      },
    }
  },
  list: () => {
    let values: unknown[] = []
    return {
      add: (value) => {
        values.push(value)
      },
      get length() {
        return values.length
      },
      [Symbol.iterator]: () => values[Symbol.iterator](),
      clear: () => {
        values = []
      },
    }
  },
  map: () => {
    const map = new Map<unknown, unknown>()
    return {
      get: (key) => map.get(key),
      has: (key) => map.has(key),
      set: (key, value) => {
        map.set(key, value)
      },
      delete: (key) => {
        map.delete(key)
      },
      get size() {
        return map.size
      },
      [Symbol.iterator]: () => map[Symbol.iterator](),
      clear: () => {
        map.clear()
      },
    }
  },
}
