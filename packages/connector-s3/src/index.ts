/** Table of contents of `@millrace/connector-s3`: buckets as object stores. */
export { s3Objects } from './s3-objects.ts'
export { parseS3Url } from './s3-options.ts'
export type { S3CredentialNames, S3Options } from './s3-options.ts'
export { s3Folder } from './s3-folder.ts'
