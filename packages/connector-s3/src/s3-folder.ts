/** A prefix of a bucket as a place for output files. */
import { objectFolder } from '@millrace/core/files'
import type { OutputPlace } from '@millrace/core/files'
import { s3Objects } from './s3-objects.ts'
import { parseS3Url } from './s3-options.ts'
import type { S3Options } from './s3-options.ts'

/**
 * A prefix of a bucket as a place for output files: it stands where the path of a folder would. No request is sent before
 * the run starts. What the URL says counts before `options`.
 *
 * @throws MillraceError `plan/invalid-argument` when the URL or the options name no place.
 * @example
 * ```ts
 * import { s3Folder } from '@millrace/connector-s3'
 * import { memoryRows, pipeline, schema, t } from 'millrace'
 * import { ndjson } from 'millrace/files'
 *
 * export default pipeline('orders', (p) => {
 *   p.read('orders', memoryRows(schema({ id: t.int32() }), [{ id: 1 }])).write(
 *     'out',
 *     ndjson(s3Folder('s3://reports/orders')),
 *   )
 * })
 * ```
 */
export function s3Folder(url: string, options: Omit<S3Options, 'bucket'> = {}): OutputPlace {
  const { options: named, prefix } = parseS3Url(url)
  return objectFolder(s3Objects({ ...options, ...named }), { prefix })
}
