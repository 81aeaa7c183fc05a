/**
 * The objects of a cluster: a part of a bucket, by names below its prefix.
 *
 * What is written is verified on the way: each request says which SHA-256 its body has, and a store refuses a body that
 * arrives as another. What is read is hashed here, and whoever asked for it compares. An object keeps the SHA-256 of its
 * whole bytes beside it, as metadata. None of that relies on checksums that only some stores know.
 *
 * A write first asks for a free name (`If-None-Match`). An object that is there with the same bytes stays, so a write whose
 * answer was lost can be repeated. `putFile` replaces an object of other bytes: contents and segments are named so that only
 * equal ones share a name, so what it replaces is damaged. `create` replaces nothing.
 */
import { createHash } from 'node:crypto'
import { createWriteStream, readFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { S3Client } from '@aws-sdk/client-s3'
import { Failure, messageOf } from '../../errors/index.ts'
import { credentialsOf } from './credentials.ts'
import { withDigest } from './declared-digest.ts'
import {
  asFailure,
  isAnswer,
  isBehindTheEnd,
  isMissing,
  isNotImplemented,
  isThere,
  isUploadOver,
  mayPass,
  reasonOf,
} from './failures.ts'
import { uploadInParts } from './parts.ts'
import { type BucketPlace, readPlace } from './place.ts'

export interface BucketSettings {
  /** `s3://bucket/prefix`. */
  readonly store: string
  /** Empty for AWS. */
  readonly endpoint: string
  readonly region: string
  /** The bucket is a step of the path, not a part of the host's name. */
  readonly pathStyle: boolean
  /** A file; empty for what the environment, `~/.aws` or the machine gives. */
  readonly credentials: string
  /** A file with certificates of authorities; empty for the well-known ones. */
  readonly ca: string
  readonly patience?: Partial<Patience>
}

/** How long a store that does not answer, or says that it is busy, is waited for. Times are in milliseconds. */
export interface Patience {
  /** A request is tried again for so long. */
  readonly tryMs: number
  /** However long they take: a machine under load may be slow, and the store not away. */
  readonly leastTries: number
  /** A connection that gives nothing for so long is taken for lost. */
  readonly silenceMs: number
  readonly connectMs: number
}

export interface StoredObject {
  readonly key: string
  readonly size: number
  /** Milliseconds since 1970. */
  readonly modified: number
}

export interface ObjectHead {
  readonly size: number
  readonly modified: number
  /** Of all bytes, in hexadecimal, as whoever wrote them said; null where nobody did. */
  readonly sha256: string | null
}

export interface Downloaded {
  readonly size: number
  /** Of the bytes that arrived, in hexadecimal. */
  readonly sha256: string
  /** What the object should have. */
  readonly declared: string | null
}

/** Up to this size a file is read as a whole and written by one request; a larger one in parts of this size. */
const PART_BYTES = 16 * 1024 * 1024

/** Whether a file of this size, in bytes, is sent in several parts. */
export const isInParts = (size: number): boolean => size > PART_BYTES

const PATIENT: Patience = { tryMs: 60_000, leastTries: 4, silenceMs: 60_000, connectMs: 10_000 }
/** One that is back is to be found soon; one that is busy is to be spared. */
const LONGEST_PAUSE_MS = { away: 1_000, busy: 5_000 } as const
const CONNECTIONS = 64
/** How long a server that starts waits for the store. */
const ANSWER_MS = 8_000
const ANSWER_AGAIN_MS = 250

type Sdk = typeof import('@aws-sdk/client-s3')

/** Of an object's metadata. */
const DIGEST = 'sha256'

export class Bucket {
  readonly #sdk: Sdk
  readonly #client: S3Client
  readonly #place: BucketPlace
  readonly #patience: Patience
  readonly #closing = new AbortController()
  /** Whether the store knows `If-None-Match`. */
  #knowsConditions = true

  private constructor(sdk: Sdk, settings: BucketSettings) {
    this.#sdk = sdk
    this.#place = readPlace(settings.store)
    this.#patience = { ...PATIENT, ...settings.patience }
    this.#client = new sdk.S3Client(clientConfiguration(settings, this.#patience))
  }

  /** Asks nothing of the store yet. Throws `settings.invalid`, `storage.unusable`. */
  static async open(settings: BucketSettings): Promise<Bucket> {
    // Loaded when it is wanted: all others start without it.
    return new Bucket(await import('@aws-sdk/client-s3'), settings)
  }

  /** `s3://bucket/prefix/`, for people. */
  get address(): string {
    return `s3://${this.#place.bucket}/${this.#place.prefix}`
  }

  /**
   * Throws `storage.unusable` where the store does not answer within seconds, or refuses: whoever starts a server hears of
   * a wrong setting at once.
   */
  async demandAnswer(): Promise<void> {
    const { bucket, prefix } = this.#place
    const query = { Bucket: bucket, Prefix: prefix, MaxKeys: 1 }
    const until = performance.now() + ANSWER_MS
    for (;;) {
      const inTime = AbortSignal.timeout(Math.max(1, Math.ceil(until - performance.now())))
      const abortSignal = AbortSignal.any([this.#closing.signal, inTime])
      try {
        await this.#client.send(new this.#sdk.ListObjectsV2Command(query), { abortSignal })
        return
      } catch (error) {
        if (performance.now() < until && mayPass(error)) {
          await delay(ANSWER_AGAIN_MS, undefined, { signal: this.#closing.signal })
          continue
        }
        const reason = inTime.aborted ? `it did not answer within ${ANSWER_MS / 1_000} seconds` : reasonOf(error)
        throw new Failure(
          'storage.unusable',
          `The object store at ${this.address} cannot be used: ${reason}. Is it running, and are --store, --store-endpoint, --store-path-style and the keys right?`,
        )
      }
    }
  }

  /** What waits for the store fails; nothing can be asked any more. */
  close(): void {
    this.#closing.abort(new Error('Backtrail is stopping.'))
    this.#client.destroy()
  }

  /**
   * Makes a file's bytes, of which this is the SHA-256, the object of a name, durable when it resolves. An object that is
   * there with the same bytes stays, another one is replaced. Throws `storage.full`, `storage.unavailable`.
   */
  async putFile(key: string, path: string, sha256: Uint8Array): Promise<void> {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      const digest = Buffer.from(sha256).toString('hex')
      const write = isInParts(size) ? this.#partsOf(key, file, size, digest) : this.#wholeOf(key, file, size, digest)
      // A large one that is there already is not sent in vain.
      if (isInParts(size) && (await this.#isSame(key, size, digest))) return
      for (const onlyIfNew of [true, false])
        if ((await write(onlyIfNew)) || (await this.#isSame(key, size, digest))) return
      throw new Failure('storage.unavailable', `The object store did not keep ${key}, without saying why.`)
    } finally {
      await file.close()
    }
  }

  /**
   * Makes an object of a few bytes where there is none; false where there is one. In a store that does not know
   * `If-None-Match`, two that do so in the same moment may both get true.
   */
  async create(key: string, bytes: Uint8Array): Promise<boolean> {
    // Such a store writes without the condition.
    if ((await this.head(key)) !== null) return false
    const digest = createHash('sha256').update(bytes).digest('hex')
    return this.#put(key, bytes, digest, true)
  }

  /** All bytes of a small object; null where there is none. */
  async read(key: string): Promise<Uint8Array | null> {
    return this.#ask('reading an object', async (signal) => {
      const found = await this.#client.send(new this.#sdk.GetObjectCommand(this.#named(key)), { abortSignal: signal })
      return (await found.Body?.transformToByteArray()) ?? new Uint8Array()
    }).catch(nullWhereMissing)
  }

  /** Null where there is none. */
  async head(key: string): Promise<ObjectHead | null> {
    return this.#ask('looking for an object', async (signal): Promise<ObjectHead> => {
      const found = await this.#client.send(new this.#sdk.HeadObjectCommand(this.#named(key)), { abortSignal: signal })
      return {
        size: found.ContentLength ?? 0,
        modified: found.LastModified?.getTime() ?? 0,
        sha256: found.Metadata?.[DIGEST] ?? null,
      }
    }).catch(nullWhereMissing)
  }

  /** Copies an object into a file; null, and no file, where there is none. */
  async download(key: string, path: string): Promise<Downloaded | null> {
    return this.#ask('reading an object', async (signal): Promise<Downloaded> => {
      const found = await this.#client.send(new this.#sdk.GetObjectCommand(this.#named(key)), { abortSignal: signal })
      const hash = createHash('sha256')
      let size = 0
      const counting = new Transform({
        transform(chunk: Uint8Array, _encoding, done) {
          hash.update(chunk)
          size += chunk.length
          done(null, chunk)
        },
      })
      await pipeline(found.Body as Readable, counting, createWriteStream(path, { mode: 0o600 }), { signal })
      if (size !== found.ContentLength) throw cutShort()
      return { size, sha256: hash.digest('hex'), declared: found.Metadata?.[DIGEST] ?? null }
    }).catch(nullWhereMissing)
  }

  /** Opens an object, or a part of it, for reading: empty behind its end. `size` is that of the whole. Null where there is none. */
  async range(
    key: string,
    bytes?: { readonly start: number; readonly end: number },
  ): Promise<{ readonly size: number; readonly stream: Readable } | null> {
    const range = bytes && { Range: `bytes=${bytes.start}-${bytes.end}` }
    return this.#ask('reading an object', async (signal) => {
      const command = new this.#sdk.GetObjectCommand({ ...this.#named(key), ...range })
      const found = await this.#client.send(command, { abortSignal: signal })
      const whole = Number(/\/(\d+)$/.exec(found.ContentRange ?? '')?.[1] ?? found.ContentLength ?? 0)
      return { size: whole, stream: found.Body as Readable }
    }).catch(async (error) => {
      if (!isBehindTheEnd(error)) return nullWhereMissing(error)
      const found = await this.head(key)
      return found && { size: found.size, stream: Readable.from([]) }
    })
  }

  /** One that is not there is no error. */
  async delete(key: string): Promise<void> {
    await this.#ask('deleting an object', (signal) =>
      this.#client.send(new this.#sdk.DeleteObjectCommand(this.#named(key)), { abortSignal: signal }),
    ).catch((error: unknown) => {
      if (!isMissing(error)) throw error
    })
  }

  /** The objects whose names begin so, in the order of their names, a page at a time. */
  async *list(keys: string): AsyncGenerator<StoredObject[]> {
    const { bucket, prefix } = this.#place
    for (let token: string | undefined, isMore = true; isMore; ) {
      const query = { Bucket: bucket, Prefix: `${prefix}${keys}`, ...(token && { ContinuationToken: token }) }
      const page = await this.#ask('listing objects', (signal) =>
        this.#client.send(new this.#sdk.ListObjectsV2Command(query), { abortSignal: signal }),
      )
      yield (page.Contents ?? []).map(({ Key = '', Size = 0, LastModified }) => ({
        key: Key.slice(prefix.length),
        size: Size,
        modified: LastModified?.getTime() ?? 0,
      }))
      token = page.NextContinuationToken
      isMore = page.IsTruncated === true && token !== undefined
    }
  }

  /** Gives up uploads of large objects that were begun before a time and never ended; gives how many. */
  async endUploads(keys: string, before: number): Promise<number> {
    const { bucket, prefix } = this.#place
    const query = { Bucket: bucket, Prefix: `${prefix}${keys}` }
    const { Uploads = [] } = await this.#ask('listing uploads', (signal) =>
      this.#client.send(new this.#sdk.ListMultipartUploadsCommand(query), { abortSignal: signal }),
    )
    const old = Uploads.filter(({ Initiated }) => Initiated !== undefined && Initiated.getTime() < before)
    for (const { Key, UploadId } of old) {
      await this.#ask('ending an upload', (signal) =>
        this.#client.send(new this.#sdk.AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }), {
          abortSignal: signal,
        }),
      )
    }
    return old.length
  }

  #named(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#place.bucket, Key: `${this.#place.prefix}${key}` }
  }

  async #isSame(key: string, size: number, sha256: string): Promise<boolean> {
    const head = await this.head(key)
    return head !== null && head.size === size && head.sha256 === sha256
  }

  /** Writes a small file; false where an object is there that was not to be replaced. */
  #wholeOf(key: string, file: FileHandle, size: number, sha256: string) {
    return async (onlyIfNew: boolean): Promise<boolean> => {
      const bytes = await readAt(file, 0, size)
      demandSame(createHash('sha256').update(bytes).digest('hex'), sha256, key)
      return this.#put(key, bytes, sha256, onlyIfNew)
    }
  }

  #partsOf(key: string, file: FileHandle, size: number, sha256: string) {
    return async (onlyIfNew: boolean): Promise<boolean> => {
      const upload = {
        ...this.#named(key),
        metadata: { [DIGEST]: sha256 },
        size,
        partBytes: PART_BYTES,
        read: (at: number, bytes: number) => readAt(file, at, bytes),
        verify: (found: string) => demandSame(found, sha256, key),
      }
      return this.#whereNew(onlyIfNew, (condition) =>
        uploadInParts(this.#sdk, this.#client, upload, condition, (doing, work) => this.#ask(doing, work)),
      ).catch((error: unknown) => {
        if (isUploadOver(error)) return false
        throw error
      })
    }
  }

  #put(key: string, bytes: Uint8Array, sha256: string, onlyIfNew: boolean): Promise<boolean> {
    const object = { ...this.#named(key), Body: bytes, ContentLength: bytes.length, Metadata: { [DIGEST]: sha256 } }
    return this.#whereNew(onlyIfNew, (condition) =>
      this.#ask('writing an object', (signal) =>
        this.#client.send(withDigest(new this.#sdk.PutObjectCommand({ ...object, ...condition }), sha256), {
          abortSignal: signal,
        }),
      ),
    )
  }

  /** False where something is there that was not to be replaced. */
  async #whereNew(
    onlyIfNew: boolean,
    write: (condition: { readonly IfNoneMatch?: '*' }) => Promise<unknown>,
  ): Promise<boolean> {
    const isConditional = onlyIfNew && this.#knowsConditions
    try {
      await write(isConditional ? { IfNoneMatch: '*' } : {})
      return true
    } catch (error) {
      if (isConditional && isThere(error)) return false
      if (!isConditional || !isNotImplemented(error)) throw error
    }
    // Contents and segments are named so that only their equals have their names.
    this.#knowsConditions = false
    await write({})
    return true
  }

  /**
   * A request, again with pauses that grow while it may pass. Answers that callers tell apart (nothing there, something
   * there, not known) come as they are, and all others as failures.
   */
  async #ask<T>(doing: string, request: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = this.#closing
    const { tryMs, leastTries } = this.#patience
    const started = performance.now()
    for (let tries = 1; ; tries++) {
      try {
        return await request(signal)
      } catch (error) {
        signal.throwIfAborted()
        if ([isMissing, isThere, isNotImplemented, isUploadOver, isBehindTheEnd].some((is) => is(error))) throw error
        const isOver = tries >= leastTries && performance.now() - started > tryMs
        if (!mayPass(error) || isOver) throw asFailure(error, doing)
        const longest = LONGEST_PAUSE_MS[isAnswer(error) ? 'busy' : 'away']
        await delay(Math.random() * Math.min(longest, 50 * 2 ** tries), undefined, { signal })
      }
    }
  }
}

function clientConfiguration(
  { endpoint, region, pathStyle, credentials, ca }: BucketSettings,
  { connectMs, silenceMs }: Patience,
) {
  const agent = { keepAlive: true, maxSockets: CONNECTIONS }
  return {
    region,
    forcePathStyle: pathStyle,
    ...(endpoint !== '' && { endpoint }),
    ...(credentials !== '' && { credentials: credentialsOf(credentials) }),
    // Tried again here, by the time that it takes.
    maxAttempts: 1,
    // The client's own checksums come as trailers, which other stores than that of AWS refuse or store.
    requestChecksumCalculation: 'WHEN_REQUIRED' as const,
    responseChecksumValidation: 'WHEN_REQUIRED' as const,
    requestHandler: {
      connectionTimeout: connectMs,
      socketTimeout: silenceMs,
      httpAgent: agent,
      httpsAgent: { ...agent, ...(ca !== '' && { ca: authoritiesIn(ca) }) },
    },
  }
}

function authoritiesIn(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Failure('storage.unusable', `The file ${file} with authorities cannot be read: ${messageOf(error)}.`)
  }
}

async function readAt(file: FileHandle, at: number, bytes: number): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafe(bytes)
  let read = 0
  while (read < bytes) {
    const { bytesRead } = await file.read(buffer, read, bytes - read, at + read)
    if (bytesRead === 0) throw new Error('A file became shorter while it was stored.')
    read += bytesRead
  }
  return buffer
}

/** A file is not what its digest says. */
export class ChangedFile extends Error {}

/** What is staged must be what was hashed: the disk here may have failed. */
function demandSame(found: string, sha256: string, key: string): void {
  if (found !== sha256)
    throw new ChangedFile(`The file for ${key} has changed since it was hashed: its SHA-256 is ${found}.`)
}

/** As a connection that ends early is told. */
function cutShort(): Error {
  return Object.assign(new Error('The object came in part.'), { code: 'ERR_STREAM_PREMATURE_CLOSE' })
}

function nullWhereMissing(error: unknown): null {
  if (isMissing(error)) return null
  throw error
}
