/**
 * Generated expressions as SQL text, of the right types for a schema. All of them are total but for numbers that overflow.
 */
import type { DataType, Field, Schema } from '../../data/index.ts'
import type { Dice } from './dice.ts'
import { isInexact } from './generate-values.ts'

/** Kinds of values that expressions are drawn of. */
export type Family = 'truth' | 'whole' | 'float' | 'text' | 'moment'

const families: { readonly [Name in Family]: (type: DataType) => boolean } = {
  truth: ({ kind }) => kind === 'boolean',
  whole: ({ kind }) => ['uint8', 'int16', 'int32'].includes(kind),
  float: ({ kind }) => kind === 'float64',
  text: ({ kind }) => kind === 'string',
  moment: (type) => type.kind === 'timestamp' && type.unit === 'ms' && !type.zoned,
}

/** A column name as SQL writes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Draws expressions over the columns of a schema. */
export class Expressions {
  readonly #dice: Dice
  readonly #fields: readonly Field[]

  constructor(dice: Dice, { fields }: Schema) {
    this.#dice = dice
    this.#fields = fields.filter(({ name }) => !isInexact(name))
  }

  /** Any column as it is, or a computed value. */
  any(): string {
    if (!this.#dice.chance(2) || this.#fields.length === 0) return this.column()
    return this.of(this.#dice.one(['whole', 'text', 'truth', 'float', 'moment']), 2)
  }

  column(): string {
    if (this.#fields.length === 0) return this.#constant('whole')
    return quoted(this.#dice.one(this.#fields).name)
  }

  condition(): string {
    return this.of('truth', 2)
  }

  /** An expression of a family, at most so deep. */
  of(family: Family, depth: number): string {
    const columns = this.#fields.filter(({ type }) => families[family](type))
    if (depth === 0 || (columns.length > 0 && !this.#dice.chance(2)))
      return columns.length > 0 ? quoted(this.#dice.one(columns).name) : this.#constant(family)
    if (this.#dice.chance(8)) return this.#constant(family)
    if (this.#dice.chance(5)) return this.#choice(family, depth - 1)
    return this.#call(family, depth - 1)
  }

  #constant(family: Family): string {
    const dice = this.#dice
    switch (family) {
      case 'truth':
        return dice.one(['true', 'false'])
      case 'whole':
        return dice.one(['1', '0', '3', '100'])
      case 'float':
        return dice.one(['1.5::float8', '0::float8', '-2.25::float8'])
      case 'text':
        return dice.one(["'a'", "''", "'é'", "'b%'"])
      case 'moment':
        return dice.one(["timestamp '1970-01-01 00:00:00'", "timestamp '1969-12-31 23:59:59'"])
    }
  }

  /** What any family can be computed by. */
  #choice(family: Family, depth: number): string {
    const one = this.of(family, depth)
    const other = this.of(family, depth)
    return this.#dice.one([
      `coalesce(${one}, ${other})`,
      `case when ${this.of('truth', depth)} then ${one} else ${other} end`,
      `case when ${this.of('truth', depth)} then ${one} end`,
      `nullif(${one}, ${other})`,
      ...(family === 'truth' ? [] : [`greatest(${one}, ${other})`, `least(${one}, ${other})`]),
    ])
  }

  #call(family: Family, depth: number): string {
    switch (family) {
      case 'truth':
        return this.#truth(depth)
      case 'whole':
        return this.#whole(depth)
      case 'float':
        return this.#float(depth)
      case 'text':
        return this.#text(depth)
      case 'moment': {
        const moment = this.of('moment', depth)
        return this.#dice.one([
          `(${moment} + interval '1 second')`,
          `date_trunc('day', ${moment})`,
          `(${moment} - interval '1 month')`,
        ])
      }
    }
  }

  #truth(depth: number): string {
    const dice = this.#dice
    const kind = dice.below(7)
    if (kind === 0) return `(${this.column()} is ${dice.one(['', 'not '])}null)`
    if (kind === 1) return `(${this.of('text', depth)} like ${dice.one(["'a%'", "'%b%'", "'_'"])})`
    if (kind === 2) return `(not ${this.of('truth', depth)})`
    if (kind === 3)
      return `(${this.of('truth', depth)} ${dice.one(['and', 'or'])} ${this.of('truth', depth)})`
    const family = dice.one<Family>(['whole', 'text', 'float', 'moment', 'truth'])
    const [one, other] = [this.of(family, depth), this.of(family, depth)]
    if (kind === 4) return `(${one} in (${other}, ${this.#constant(family)}))`
    if (kind === 5 && family !== 'truth') return `(${one} between ${other} and ${this.of(family, depth)})`
    return `(${one} ${dice.one(['=', '<', '>=', '<>', 'is distinct from', 'is not distinct from'])} ${other})`
  }

  #whole(depth: number): string {
    const one = this.of('whole', depth)
    return this.#dice.one([
      `length(${this.of('text', depth)})`,
      `(${one} % 7)`,
      `(${one} / 3)`,
      `abs(${one} / 2)`,
      `sign(${one})`,
    ])
  }

  #float(depth: number): string {
    const one = this.of('float', depth)
    return this.#dice.one([
      `cast(${this.of('whole', depth)} as double precision)`,
      `(${one} * 0.5::float8)`,
      `(- ${one})`,
      `abs(${one})`,
      `floor(${one})`,
      `round(${one})`,
    ])
  }

  #text(depth: number): string {
    const one = this.of('text', depth)
    return this.#dice.one([
      `upper(${one})`,
      `(${one} || ${this.of('text', depth)})`,
      `left(${one}, 1)`,
      `trim(${one})`,
      `replace(${one}, 'a', 'bb')`,
      `cast(${this.of('whole', depth)} as text)`,
      `concat(${one}, ${this.of('text', depth)})`,
      `reverse(${one})`,
    ])
  }
}
