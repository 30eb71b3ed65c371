/** The engine's doors to the outside, and the ones of a Node process. */
export * from '@millrace/core/host'
export * from '@millrace/core/host/node'
