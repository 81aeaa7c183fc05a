import { Failure } from '../../errors/index.ts'

/** What the client gives for an answer that is no success, and Node for a connection that failed. */
interface Refusal {
  readonly name?: string
  readonly message?: string
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** The object, and not the bucket, is not there. */
export function isMissing(error: unknown): boolean {
  const { name } = error as Refusal
  return name !== 'NoSuchBucket' && name !== 'NoSuchUpload' && (name === 'NoSuchKey' || statusOf(error) === 404)
}

/** A write was only wanted where nothing is, and something is. */
export function isThere(error: unknown): boolean {
  return statusOf(error) === 412
}

/** The object has no byte of the range. */
export function isBehindTheEnd(error: unknown): boolean {
  return statusOf(error) === 416
}

/** The upload was ended already: by a request whose answer was lost, or by a janitor. */
export function isUploadOver(error: unknown): boolean {
  return (error as Refusal).name === 'NoSuchUpload'
}

/** The store does not know a condition that a request came with. */
export function isNotImplemented(error: unknown): boolean {
  return statusOf(error) === 501 || (error as Refusal).name === 'NotImplemented'
}

const BUSY = new Set(['SlowDown', 'Throttling', 'ThrottlingException', 'RequestTimeout', 'OperationAborted'])
const CONFLICT = 'ConditionalRequestConflict'
const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ECONNABORTED',
])

/** The same request may be answered in a moment. */
export function mayPass(error: unknown): boolean {
  if (error instanceof Failure) return false
  const { name = '', code = '' } = error as Refusal
  if (BUSY.has(name) || name === CONFLICT || name === 'TimeoutError' || NETWORK.has(code)) return true
  const status = statusOf(error)
  return status === 429 || (status >= 500 && !isNotImplemented(error) && !isFull(error))
}

/** The store, or what stands before it, has said so: it is there. */
export function isAnswer(error: unknown): boolean {
  return statusOf(error) !== 0
}

/** The failure that others see for what the store answered. Failures, and errors of the disk here, stay as they are. */
export function asFailure(error: unknown, doing: string): unknown {
  if (error instanceof Failure) return error
  const { code = '' } = error as Refusal
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new Failure('storage.full', 'The disk of the cache is full; free some space, or make --cache-size smaller.')
  if (statusOf(error) === 0 && !mayPass(error) && !isOfTheConnection(error) && !isOfTheClient(error)) return error
  if (isFull(error)) return new Failure('storage.full', `The object store takes no more (${reasonOf(error)}).`)
  return new Failure('storage.unavailable', `The object store failed ${doing}: ${reasonOf(error)}.`, {
    reason: (error as Refusal).name ?? code,
  })
}

/** Of the disk here, where a copy is written. */
const OF_THE_DISK = new Set(
  'EIO EROFS EACCES EPERM EMFILE ENFILE ENOENT EEXIST EISDIR ENOTDIR ENOMEM EFBIG ENOSPC EDQUOT'.split(' '),
)
const OF_SYSTEM_OR_CONNECTION = /^(E[A-Z]+|EAI_[A-Z]+|ERR_(SSL|TLS|STREAM|SOCKET|HTTP)[A-Z0-9_]*|HPE_[A-Z_]+)$/

/** There are too many of these to name them: it is what the disk cannot say. Of no sample is anything known by it. */
function isOfTheConnection(error: unknown): boolean {
  const { code = '' } = error as Refusal
  return OF_SYSTEM_OR_CONNECTION.test(code) && !OF_THE_DISK.has(code)
}

function isFull(error: unknown): boolean {
  return statusOf(error) === 507 || (error as Refusal).name === 'QuotaExceeded'
}

/** Credentials that cannot be had, a host name that cannot be made: no answer came, and none will. */
function isOfTheClient(error: unknown): boolean {
  return (
    ['CredentialsProviderError', 'TokenProviderError', 'SSLError'].includes((error as Refusal).name ?? '') ||
    /certificate|CERT_|self-signed/i.test(`${(error as Refusal).code ?? ''} ${(error as Refusal).message ?? ''}`)
  )
}

/** 0 where there was no answer. */
function statusOf(error: unknown): number {
  return (error as Refusal).$metadata?.httpStatusCode ?? 0
}

/** What went wrong, in the words of the store or of the connection. */
export function reasonOf(error: unknown): string {
  const { name, message, code } = error as Refusal
  const status = statusOf(error)
  const words = message && message !== 'UnknownError' ? message.replace(/\.$/, '') : (code ?? name ?? 'no reason given')
  return status === 0 ? words : `${words} (status ${status})`
}
