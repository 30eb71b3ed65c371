/** A value as errors name it. */

/** A value in an error: its type and a short form. */
export function valueText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `the string ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)}`
    case 'number':
    case 'boolean':
      return `the ${typeof value} ${String(value)}`
    case 'bigint':
      return `the bigint ${value}`
    case 'undefined':
      return 'undefined'
    case 'object':
      if (value === null) return 'null'
      return Array.isArray(value)
        ? 'an array'
        : `an object of class ${value.constructor?.name || 'without a name'}`
    default:
      return `a ${typeof value}`
  }
}
