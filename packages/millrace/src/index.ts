/** What people import to write a pipeline: the typed builder of the core, under the name people install. */
export * from '@millrace/core'
