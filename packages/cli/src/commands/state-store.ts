/** From the text of `--state`, and of what else names checkpoints, to the place: a directory, or a bucket. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { ObjectClient } from '@millrace/core/connect'
import type { Host } from '@millrace/core/host'
import { DirectoryStore, ObjectStore } from '@millrace/core/runtime'
import type { CheckpointStore } from '@millrace/core/runtime'
import { UsageError } from '../command-line/usage-error.ts'
import type { Surroundings } from '../surroundings.ts'

/** What opens a place. */
export interface StoreGround {
  readonly host: Host
  readonly surroundings: Pick<Surroundings, 'environment' | 'workingDirectory' | 'packageUrl'>
}

/** The package that knows buckets; it comes with its user's project, not with the command. */
const S3_PACKAGE = '@millrace/connector-s3'

/** What is used of it. */
interface S3Package {
  parseS3Url(url: string): { readonly options: object; readonly prefix: string }
  s3Objects(options: object): ObjectClient
}

/**
 * The place with checkpoints that a text names: the path of a directory, or `s3://bucket/prefix`. Nothing is read yet.
 *
 * @throws UsageError for other URLs (`gs://bucket` would become a directory of that name), and when the package for
 *   buckets is not installed; MillraceError `plan/invalid-argument` for a URL that is none of a bucket.
 */
export async function openStore(text: string, { host, surroundings }: StoreGround): Promise<CheckpointStore> {
  const scheme = schemeOf(text)
  if (scheme === undefined) return new DirectoryStore(host, text)
  if (scheme !== 's3')
    throw new UsageError(
      `"${text}" is no place for state: the command knows directories and s3:// URLs`,
      'write the path of a directory, or s3://bucket/prefix',
    )
  const { parseS3Url, s3Objects } = await loadS3(surroundings)
  const { options, prefix } = parseS3Url(text)
  return new ObjectStore(host, s3Objects({ ...options, environment: surroundings.environment }), { prefix })
}

/**
 * The path of a directory for files that are no checkpoints, as it is.
 *
 * @throws UsageError for a URL.
 */
export function directoryPath(text: string): string {
  if (schemeOf(text) === undefined) return text
  throw new UsageError(`"${text}" is no directory`, 'write the path of one')
}

function schemeOf(text: string): string | undefined {
  return /^([a-z][a-z\d+.-]+):\/\//i.exec(text)?.[1]?.toLowerCase()
}

async function loadS3({
  workingDirectory,
  packageUrl,
}: Pick<Surroundings, 'workingDirectory' | 'packageUrl'>): Promise<S3Package> {
  for (const from of [join(workingDirectory, 'package.json'), fileURLToPath(packageUrl)]) {
    const path = resolved(from)
    if (path !== undefined) return (await import(pathToFileURL(path).href)) as S3Package
  }
  throw new UsageError(
    `state in a bucket needs the package ${S3_PACKAGE}`,
    `install it beside millrace; it is not on a registry yet: "Connectors" in docs/guide/own-project.md has the commands`,
  )
}

function resolved(from: string): string | undefined {
  try {
    return createRequire(from).resolve(S3_PACKAGE)
  } catch {
    return undefined
  }
}
