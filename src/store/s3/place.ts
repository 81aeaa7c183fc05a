import { Failure } from '../../errors/index.ts'

/** Where the objects of a cluster are: a bucket, and what all their names begin with. */
export interface BucketPlace {
  readonly bucket: string
  /** Empty, or with a slash at its end. */
  readonly prefix: string
}

/** Reads `s3://bucket/prefix`. Throws `settings.invalid`. */
export function readPlace(address: string): BucketPlace {
  const [, bucket = '', path = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(address) ?? []
  const steps = path === '' ? [] : path.replace(/\/$/, '').split('/')
  const isPlain = steps.every((step) => /^[\w.=~-]+$/.test(step) && !/^\.{1,2}$/.test(step))
  if (bucket === '' || !isPlain) {
    throw new Failure(
      'settings.invalid',
      `--store must be s3:// with the name of a bucket and, after a slash, a prefix of letters, digits and . _ = ~ -, such as s3://samples/backtrail, not "${address}".`,
    )
  }
  return { bucket, prefix: steps.map((step) => `${step}/`).join('') }
}
