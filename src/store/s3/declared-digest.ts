import type { PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3'

/** Of the client's stack of steps, as far as it is used here; each command's is of a type of its own. */
interface Steps {
  add(step: (next: Next) => Next, where: { readonly step: 'build'; readonly name: string }): void
}

type Next = (given: { readonly request: { readonly headers: Record<string, string> } }) => Promise<unknown>

/**
 * The same command, whose signature covers the given SHA-256 of its body: the store refuses a body that arrives as
 * another. The client would take the digest of what it sends itself; this one was taken where the bytes came from.
 */
export function withDigest<C extends PutObjectCommand | UploadPartCommand>(command: C, sha256: string): C {
  const steps = command.middlewareStack as unknown as Steps
  const declare = (next: Next): Next => {
    return (given) => {
      given.request.headers['x-amz-content-sha256'] = sha256
      return next(given)
    }
  }
  steps.add(declare, { step: 'build', name: 'declareDigest' })
  return command
}
