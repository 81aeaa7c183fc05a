/** Copies files that never change once they have their name, and verifies what arrived. */
import { createHash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { chmod, copyFile, link, readFile, rename, rm } from 'node:fs/promises'

/** `gone`: there is no such file. `differs`: its digest is another; nothing was written. */
export type Copied = { readonly outcome: 'gone' | 'differs' } | { readonly outcome: 'copied'; readonly sha256: string }

/** Where a hard link cannot be made, a copy is. */
export type How = 'copy' | 'link'

/** Puts the file at `to` as a whole, or not at all. `sha256`: what it must be; null for whatever it is. */
export async function copyVerified(from: string, to: string, how: How, sha256: string | null): Promise<Copied> {
  const part = `${to}.part`
  await rm(part, { force: true })
  try {
    if (how === 'copy' || !(await isLinked(from, part))) {
      // A file system that can share blocks does.
      await copyFile(from, part, constants.COPYFILE_FICLONE)
      await chmod(part, 0o600)
    }
    const digest = await digestOf(part)
    if (sha256 !== null && digest !== sha256) return { outcome: 'differs' }
    await rename(part, to)
    return { outcome: 'copied', sha256: digest }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { outcome: 'gone' }
    throw error
  } finally {
    // Renaming a link over another one of the same file leaves it.
    await rm(part, { force: true })
  }
}

async function isLinked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return false
    throw error
  }
}

/** Up to this size a file is read at once. */
const SMALL = 1024 * 1024

/** The SHA-256 of a file, in hexadecimal. */
export async function digestOf(path: string, bytes = 0): Promise<string> {
  const hash = createHash('sha256')
  if (bytes > 0 && bytes <= SMALL) return hash.update(await readFile(path)).digest('hex')
  for await (const piece of createReadStream(path, { highWaterMark: SMALL })) hash.update(piece)
  return hash.digest('hex')
}

/** As many at once as Node's file threads can use. */
export const AT_ONCE = 8
