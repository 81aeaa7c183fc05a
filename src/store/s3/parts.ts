import { createHash } from 'node:crypto'
import type { S3Client } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import { withDigest } from './declared-digest.ts'

interface Upload {
  readonly Bucket: string
  readonly Key: string
  readonly metadata: Record<string, string>
  readonly size: number
  readonly partBytes: number
  read(at: number, bytes: number): Promise<Uint8Array>
  /** Throws where this is not the SHA-256, in hexadecimal, of what was to be stored. */
  verify(sha256: string): void
}

/** One request, tried again as the caller likes. */
type Ask = <T>(doing: string, request: (signal: AbortSignal) => Promise<T>) => Promise<T>

const AT_ONCE = 4
/** As many as S3 takes. */
const MOST_PARTS = 10_000

/** Over all uploads: each part that is under way is in memory. */
const slots = pLimit(2 * AT_ONCE)

/**
 * Stores a large object in parts. It is there when the last request was answered, as a whole, and else nothing is: what
 * was sent is given up. The parts are read in order, so that the whole is hashed on the way.
 */
export async function uploadInParts(
  sdk: typeof import('@aws-sdk/client-s3'),
  client: S3Client,
  { Bucket, Key, metadata, size, partBytes, read, verify }: Upload,
  condition: { readonly IfNoneMatch?: '*' },
  ask: Ask,
): Promise<void> {
  const name = { Bucket, Key }
  const { UploadId } = await ask('beginning an upload', (abortSignal) =>
    client.send(new sdk.CreateMultipartUploadCommand({ ...name, Metadata: metadata }), { abortSignal }),
  )
  const sent: Promise<{ readonly ETag: string | undefined; readonly PartNumber: number }>[] = []
  try {
    const whole = createHash('sha256')
    const bytes = Math.max(partBytes, Math.ceil(size / MOST_PARTS))
    const inTurn = pLimit(AT_ONCE)
    let reading: Promise<unknown> = Promise.resolve()
    for (let at = 0, number = 1; at < size; at += bytes, number++) {
      const length = Math.min(bytes, size - at)
      const from = at
      const PartNumber = number
      const part = async () => {
        // Read after the one before it, whose bytes the digest has then.
        const turn = reading.then(() => read(from, length))
        reading = turn.then((body) => whole.update(body))
        reading.catch(() => {})
        const body = await turn
        const digest = createHash('sha256').update(body).digest('hex')
        const { ETag } = await ask('writing a part', (abortSignal) =>
          client.send(
            withDigest(
              new sdk.UploadPartCommand({ ...name, UploadId, PartNumber, Body: body, ContentLength: length }),
              digest,
            ),
            { abortSignal },
          ),
        )
        return { ETag, PartNumber }
      }
      sent.push(inTurn(() => slots(part)))
    }
    const Parts = await Promise.all(sent)
    await reading
    verify(whole.digest('hex'))
    await ask('ending an upload', (abortSignal) =>
      client.send(
        new sdk.CompleteMultipartUploadCommand({ ...name, UploadId, MultipartUpload: { Parts }, ...condition }),
        { abortSignal },
      ),
    )
  } catch (error) {
    // None of them reads the file any more then.
    await Promise.allSettled(sent)
    // What cannot be given up now is found by the janitor.
    await client.send(new sdk.AbortMultipartUploadCommand({ ...name, UploadId })).catch(() => {})
    throw error
  }
}
