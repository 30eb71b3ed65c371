/** The value of a flag that names a directory with checkpoints. */
import { UsageError } from './usage-error.ts'

/**
 * The path, as it is.
 *
 * @throws UsageError for a URL: `s3://bucket/state` would become a directory of that name.
 */
export function statePath(path: string): string {
  if (!/^[a-z][a-z\d+.-]+:\/\//i.test(path)) return path
  throw new UsageError(
    `"${path}" is no directory: the command keeps state in directories only`,
    'a program keeps it in a bucket, by new Job(…, { state: new ObjectStore(…) }) with @millrace/connector-s3',
  )
}
