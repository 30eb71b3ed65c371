/** Values of flags as the commands need them: numbers, durations, name=value pairs. */
import type { ParsedWords } from './command.ts'
import { UsageError } from './usage-error.ts'

/** The value of a flag that may be given once. */
export function valueOf(words: ParsedWords, flag: string): string | undefined {
  return words.values.get(flag)?.[0]
}

/** The whole number, 1 or more, that a flag was given. */
export function countOf(words: ParsedWords, flag: string, most: number): number | undefined {
  const text = valueOf(words, flag)
  if (text === undefined) return undefined
  const value = /^\d[\d_]*$/.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN
  if (value >= 1 && value <= most) return value
  throw new UsageError(`--${flag} cannot be "${text}": it is a whole number from 1 to ${most}`)
}

/** The pairs of `--set name=value`; of a name given twice the last one holds. */
export function settingsOf(words: ParsedWords): { readonly [name: string]: string } {
  const settings: Record<string, string> = {}
  for (const text of words.values.get('set') ?? []) {
    const at = text.indexOf('=')
    if (at < 1) {
      throw new UsageError(
        `--set ${text} is not of the form name=value`,
        `write --set ${at === 0 ? 'name' : text}=VALUE`,
      )
    }
    // Defined, not assigned: `__proto__` is a name like any other here.
    Object.defineProperty(settings, text.slice(0, at), {
      value: text.slice(at + 1),
      enumerable: true,
      configurable: true,
    })
  }
  return settings
}
