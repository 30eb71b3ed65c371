/**
 * Row values of a type as row values of a wider one (schema-compatibility.ts says which are wider).
 */
import { formatDecimal, parseDecimal } from './decimal.ts'
import { fieldDefault } from './type.ts'
import type { DataType, ElementType } from './type.ts'

/** Makes the value of the wider type; null stays null. */
export type WidenValue = (value: unknown) => unknown

/** How row values become those of a type that `widensTo` says they can be. */
export function valueWidening(from: DataType, to: DataType): WidenValue {
  const widen = ofType(from, to)
  return (value) => (value === null || value === undefined ? null : widen(value))
}

function ofType(from: DataType, to: DataType): WidenValue {
  switch (to.kind) {
    case 'int64':
    case 'uint64':
      return to.rows === 'bigint' ? (value) => BigInt(value as number) : Number
    case 'float32':
    case 'float64':
      return Number
    case 'decimal':
      return (value) => {
        const unscaled = parseDecimal(String(value), to.scale)
        // What is no decimal is refused where the value is written.
        return unscaled === undefined ? value : formatDecimal(unscaled, to.scale)
      }
    case 'list': {
      const element = ofElement(from.kind === 'list' ? from.element : to.element, to.element)
      return (value) => (value as readonly unknown[]).map(element)
    }
    case 'map': {
      const [key, element] = [
        from.kind === 'map' ? from.key : to.key,
        from.kind === 'map' ? from.value : to.value,
      ]
      const [ofKey, ofValue] = [valueWidening(key, to.key), ofElement(element, to.value)]
      return (value) =>
        new Map(Array.from(value as ReadonlyMap<unknown, unknown>, ([k, v]) => [ofKey(k), ofValue(v)]))
    }
    case 'struct': {
      const before = new Map(
        (from.kind === 'struct' ? from.fields : to.fields).map((field) => [field.name, field]),
      )
      const fields = to.fields.map((field) => {
        const one = before.get(field.name)
        // What was not there takes its default, and null without one.
        const { [fieldDefault]: value = null } = field
        return [field.name, one === undefined ? () => value : ofElement(one, field)] as const
      })
      return (value) =>
        Object.fromEntries(
          fields.map(([name, widen]) => [name, widen((value as Record<string, unknown>)[name])]),
        )
    }
    default:
      return (value) => value
  }
}

function ofElement(from: ElementType, to: ElementType): WidenValue {
  return valueWidening(from.type, to.type)
}
