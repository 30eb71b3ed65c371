/**
 * Where output files lie when that is no folder of this machine: the sink of files works there by the same rules, on files
 * that the place gives it.
 */
import type { Files, Host } from '../../host/host.ts'
import { ObjectFiles } from '../../objects/index.ts'
import type { ObjectClient, ObjectFilesOptions } from '../../objects/index.ts'

/** A place for output files; written where a path stands, as in `ndjson(s3Folder('s3://bucket/orders'))`. */
export interface OutputPlace {
  /** For people, and in plans; without secrets, and without a slash at its end. Paths of its files begin with it. */
  readonly name: string
  /** What a run reaches of it. */
  files(host: Host): Files
}

/** How an output in a bucket works; what is left out has a default. */
export type ObjectFolderOptions = Pick<ObjectFilesOptions, 'limits' | 'partBytes'> & {
  /** What keys begin with, such as `orders`; default empty: the whole bucket. */
  readonly prefix?: string
}

/**
 * A prefix of a bucket as a place for output files.
 *
 * @example
 * ```ts no-run
 * import { objectFolder } from 'millrace/files'
 * import { s3Objects } from '@millrace/connector-s3'
 *
 * const place = objectFolder(s3Objects({ bucket: 'reports' }), { prefix: 'orders' })
 * console.log(place.name)
 * ```
 */
export function objectFolder(client: ObjectClient, options: ObjectFolderOptions = {}): OutputPlace {
  const { prefix = '', ...rest } = options
  const key = prefix.replace(/^\/+|\/+$/g, '')
  const name = key === '' ? client.place : `${client.place}/${key}`
  return { name, files: (host) => new ObjectFiles(host, client, { ...rest, root: name, prefix: key }) }
}

/** A host whose files are those of a place. */
export function hostOfPlace(host: Host, place: OutputPlace): Host {
  const { clock, timers, random, compression, bytes, terminal, processes, http, environment } = host
  const files = place.files(host)
  return { clock, timers, random, files, compression, bytes, terminal, processes, http, environment }
}
