/** Table of contents of the real host: Node's clock, timers, files, codecs and terminal. */
export { createNodeHost } from './node-host.ts'
