/** Where the state of a trial is, and what its log says: a directory, or a bucket of a strict S3 on the loopback. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { S3Server } from '../../packages/connector-s3/test/s3-server.ts'

/** The state of one job. */
export abstract class TrialState {
  /** As `--state` takes it. */
  abstract readonly place: string
  readonly environment: Readonly<Record<string, string>> = {}

  /** Numbers of the entries of the log, ascending. */
  numbers(): readonly number[] {
    return this.names()
      .filter((name) => /^\d{12}$/.test(name))
      .map(Number)
      .toSorted((a, b) => a - b)
  }

  /** The newest epoch that stands; 0: none. */
  newestEpoch(): number {
    for (const number of this.numbers().toReversed()) {
      const [header = '', body = ''] = this.entry(String(number).padStart(12, '0')).split('\n')
      if (header.split(' ')[2] === 'manifest') return (JSON.parse(body) as { epoch: number }).epoch
    }
    return 0
  }

  stop?(): Promise<void>
  protected abstract names(): readonly string[]
  protected abstract entry(name: string): string
}

export class DirectoryState extends TrialState {
  readonly place: string

  constructor(folder: string) {
    super()
    this.place = folder
  }

  protected names(): readonly string[] {
    const log = join(this.place, 'log')
    return existsSync(log) ? readdirSync(log) : []
  }

  protected entry(name: string): string {
    return readFileSync(join(this.place, 'log', name), 'utf8')
  }
}

const keys = { accessKeyId: 'chaos-key-id', secretAccessKey: 'chaos-secret' }
const LOG = 'state/log/'

/** Outlives the processes, and refuses a write under a name that is taken. */
export class BucketState extends TrialState {
  readonly place = 's3://chaos/state'
  override readonly environment: Readonly<Record<string, string>>
  readonly #server: S3Server

  private constructor(server: S3Server) {
    super()
    this.#server = server
    this.environment = {
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_ENDPOINT_URL_S3: server.url,
    }
  }

  static async start(): Promise<BucketState> {
    const at = { bucket: 'chaos', region: 'us-east-1', pageSize: 1000 }
    return new BucketState(await S3Server.start({ ...keys, ...at }))
  }

  override stop(): Promise<void> {
    return this.#server.close()
  }

  protected names(): readonly string[] {
    const names = Array.from(this.#server.bucket.objects.keys())
    return names.filter((key) => key.startsWith(LOG)).map((key) => key.slice(LOG.length))
  }

  protected entry(name: string): string {
    return Buffer.from(this.#server.bucket.objects.get(`${LOG}${name}`)?.bytes ?? []).toString('utf8')
  }
}
