import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { Failure } from '../errors/index.ts'
import type { Digests } from '../scanning/index.ts'

/**
 * Writes a stream to the new file `temporary` while hashing it, in bounded memory, and syncs the file where that is asked
 * for. The stream is consumed or destroyed; on failure the file is left to the caller. Throws `upload.too-large`.
 */
export async function writeHashed(
  stream: Readable,
  temporary: string,
  { sizeLimit, synced }: { readonly sizeLimit: number; readonly synced: boolean },
): Promise<Digests> {
  const hashes = {
    sha256: createHash('sha256'),
    sha1: createHash('sha1'),
    md5: createHash('md5'),
    sha512: createHash('sha512'),
  }
  let size = 0
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        size += chunk.length
        if (size > sizeLimit) throw new Failure('upload.too-large', undefined, { limit: sizeLimit })
        for (const hash of Object.values(hashes)) hash.update(chunk)
        await file.writeFile(chunk)
      }
      if (synced) await file.sync()
    } finally {
      await file.close()
    }
  } finally {
    stream.destroy()
  }
  return {
    size,
    sha256: hashes.sha256.digest(),
    sha1: hashes.sha1.digest(),
    md5: hashes.md5.digest(),
    sha512: hashes.sha512.digest(),
  }
}
