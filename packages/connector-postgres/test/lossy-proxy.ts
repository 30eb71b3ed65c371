// A way to a server on which answers get lost: it cuts connections in place of passing on an answer that holds a text.
import { connect, createServer } from 'node:net'
import type { Server } from 'node:net'

/** A proxy on the loopback. */
export class LossyProxy {
  readonly port: number
  /** Answers that hold this text are lost, and their connections. */
  loses: string | undefined
  lost = 0
  readonly #server: Server

  private constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
  }

  static start(target: number): Promise<LossyProxy> {
    return new Promise((resolve) => {
      const server = createServer((client) => {
        const upstream = connect(target, '127.0.0.1')
        const end = (): void => {
          client.destroy()
          upstream.destroy()
        }
        for (const socket of [client, upstream]) socket.on('error', end).on('close', end)
        client.on('data', (bytes) => upstream.write(bytes))
        upstream.on('data', (bytes) => {
          if (proxy.loses !== undefined && bytes.includes(proxy.loses)) {
            proxy.lost++
            end()
          } else client.write(bytes)
        })
      })
      let proxy: LossyProxy
      server.listen(0, '127.0.0.1', () => {
        const address = server.address()
        proxy = new LossyProxy(server, typeof address === 'object' && address !== null ? address.port : 0)
        resolve(proxy)
      })
    })
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }
}
