/**
 * Which format a file is read with: the one that was named, or the one that its name's ending tells.
 */
import { MillraceError } from '../../errors.ts'
import type { Json } from '../../data/type.ts'
import type { Format } from '../format.ts'
import { kindOfName } from './file-name.ts'

/** Chooses formats for files. */
export interface FormatChoice {
  /** For messages: `Parquet`, `data`. */
  readonly label: string
  /** As it stands in plans. */
  readonly description: { readonly [name: string]: Json }
  /** The format that files are written with; undefined: the choice is for reading only. */
  readonly written: Format | undefined
  /** Whether a file found in a folder is input, by its name. */
  isData(name: string): boolean
  /** Formats that files of a path (a file, a folder, a pattern) may have. */
  possible(path: string): readonly Format[]
  /** The format of a file. Throws plan/unsupported when its name tells none. */
  of(path: string): Format
}

/** Every file has the same format; in folders its endings count, and a file named directly may have any. */
export function oneFormat(format: Format): FormatChoice {
  return {
    label: format.name,
    description: { name: format.name, ...format.options },
    written: format,
    isData: (name) => isOf(format, name),
    possible: () => [format],
    of: () => format,
  }
}

/** The format by the ending of each file's name. */
export function formatByEnding(formats: readonly Format[]): FormatChoice {
  const find = (path: string): Format | undefined => {
    return formats.find((format) => isOf(format, path))
  }
  return {
    label: 'data',
    description: { name: 'auto' },
    written: undefined,
    isData: (name) => find(name) !== undefined,
    possible(path) {
      const format = find(path)
      return format === undefined ? formats : [format]
    },
    of(path) {
      const format = find(path)
      if (format !== undefined) return format
      throw new MillraceError('plan/unsupported', {
        what: `the format of "${path}" does not show in its name`,
        detail: `endings that tell it are ${formats.flatMap(({ extensions }) => extensions).join(', ')}`,
        hint: `name the format, as in ndjson('${path}')`,
        place: { file: path },
      })
    },
  }
}

/** Whether a name has an ending of the format. Files of random formats cannot be compressed as a whole. */
function isOf(format: Format, name: string): boolean {
  const { extension, compression } = kindOfName(name)
  return format.extensions.includes(extension) && (format.kind === 'records' || compression === undefined)
}
