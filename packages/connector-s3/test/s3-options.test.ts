// Where a bucket is: URLs, endpoints, the two ways to address it, and no keys where they do not belong.
import { describe, expect, it } from 'vitest'
import { parseS3Url, s3Objects } from '../src/index.ts'
import { placeOf } from '../src/s3-options.ts'

const environment = {}

describe('a URL of a bucket', () => {
  it('names the bucket, the prefix and what else is needed', () => {
    expect(parseS3Url('s3://checkpoints')).toEqual({ prefix: '', options: { bucket: 'checkpoints' } })
    expect(parseS3Url('s3://checkpoints/jobs/my%20bids/')).toEqual({
      prefix: 'jobs/my bids',
      options: { bucket: 'checkpoints' },
    })
    expect(
      parseS3Url('s3://c.d/x?region=eu-west-1&endpoint=http%3A%2F%2F127.0.0.1%3A9000&addressing=path'),
    ).toEqual({
      prefix: 'x',
      options: { bucket: 'c.d', region: 'eu-west-1', endpoint: 'http://127.0.0.1:9000', addressing: 'path' },
    })
  })

  it.each([
    ['http://checkpoints/x', /no place in S3/],
    ['s3:///x', /no place in S3/],
    ['checkpoints', /no place in S3/],
    ['s3://b?regoin=x', /no option "regoin"/],
    ['s3://b?addressing=both', /no addressing "both"/],
    ['s3://id:hidden@bucket/x', /holds no keys/],
  ])('is refused: %s', (url, reason) => {
    expect(() => parseS3Url(url)).toThrow(reason)
    expect(() => parseS3Url(url)).not.toThrow(/hidden/)
  })
})

describe('a bucket', () => {
  it.each([
    [{ bucket: 'b-1' }, 'https://b-1.s3.us-east-1.amazonaws.com', 's3://b-1'],
    [{ bucket: 'b-1', region: 'eu-west-1' }, 'https://b-1.s3.eu-west-1.amazonaws.com', 's3://b-1'],
    [{ bucket: 'b.1' }, 'https://s3.us-east-1.amazonaws.com/b.1', 's3://b.1'],
    [{ bucket: 'b-1', addressing: 'path' }, 'https://s3.us-east-1.amazonaws.com/b-1', 's3://b-1'],
    [
      { bucket: 'b-1', endpoint: 'http://127.0.0.1:9000/' },
      'http://127.0.0.1:9000/b-1',
      'http://127.0.0.1:9000/b-1',
    ],
    [
      { bucket: 'b-1', endpoint: 'https://store.example.org/s3', addressing: 'virtual-host' },
      'https://b-1.store.example.org/s3',
      'https://b-1.store.example.org/s3',
    ],
  ] as const)('is at its place: %o', (options, url, name) => {
    expect(placeOf({ ...options, environment })).toMatchObject({ url, name })
  })

  it('takes its region from the environment', () => {
    expect(placeOf({ bucket: 'b-1', environment: { AWS_REGION: 'eu-1' } }).region).toBe('eu-1')
    expect(placeOf({ bucket: 'b-1', environment: { AWS_DEFAULT_REGION: 'eu-2' } }).region).toBe('eu-2')
  })

  it('takes another store from the environment, unless it is named', () => {
    const both = { AWS_ENDPOINT_URL: 'http://all:1', AWS_ENDPOINT_URL_S3: 'http://only-s3:2' }
    const placed = (environment: Record<string, string>, endpoint?: string): string =>
      placeOf({ bucket: 'b-1', environment, ...(endpoint === undefined ? {} : { endpoint }) }).url
    expect(placed({ AWS_ENDPOINT_URL: 'http://all:1' })).toBe('http://all:1/b-1')
    expect(placed(both)).toBe('http://only-s3:2/b-1')
    expect(placed(both, 'http://named:3')).toBe('http://named:3/b-1')
  })

  it.each([
    [{ bucket: '' }, /cannot be the name/],
    [{ bucket: '../x' }, /cannot be the name/],
    [{ bucket: 'a/b' }, /cannot be the name/],
    [{ bucket: 'b-1', endpoint: 'store' }, /no endpoint/],
    [{ bucket: 'b-1', endpoint: 'ftp://store' }, /no endpoint/],
    [{ bucket: 'b-1', endpoint: 'http://id:hidden@store' }, /holds no keys/],
  ])('is refused: %o', (options, reason) => {
    expect(() => s3Objects(options)).toThrow(reason)
    expect(() => s3Objects(options)).not.toThrow(/hidden/)
  })
})
