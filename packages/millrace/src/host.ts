/** The host: the doors to clock, files and the rest, and the real one on Node. */
export * from '@millrace/core/host'
export { createNodeHost } from '@millrace/core/host/node'
