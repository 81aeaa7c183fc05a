/**
 * The files below the paths that a person named. Links and special files (devices, sockets, pipes) are not followed,
 * and what cannot be read is reported and passed over, so that one bad folder does not end a long ingest.
 */
import { lstatSync, type Stats } from 'node:fs'
import { lstat, opendir } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { userName } from './user-names.ts'

export type Found =
  | {
      readonly kind: 'file'
      /** The path as text, for people. */
      readonly path: string
      /** What opens it: bytes where the name is not valid UTF-8, and the text would name another file. */
      readonly source: string | Buffer
      /** The last part of the path, as text. */
      readonly name: string
      /** The folder that it lies in, from the root, as text. */
      readonly folder: string
      /** The name of its owner; the number where the system has no name for it. */
      readonly owner: string
      /** In bytes. */
      readonly size: number
    }
  /** A link or a special file below a named folder, or the excepted folder. */
  | { readonly kind: 'leftOut'; readonly path: string }
  /** A named path that is neither a file nor a folder, or something that could not be read. */
  | { readonly kind: 'unreadable'; readonly path: string; readonly reason: string }

/**
 * In no particular order. Folders are read as the caller takes files, a few names at a time. `except` is a folder that
 * is left out wherever it turns up: the data folder must not be fed into itself.
 */
export async function* walk(paths: readonly string[], except?: string): AsyncGenerator<Found> {
  const excepted = except === undefined ? null : await lstat(except).catch(() => null)
  for (const path of paths) yield* visit(Buffer.from(path), true, excepted)
}

async function* visit(source: Buffer, isNamed: boolean, excepted: Stats | null): AsyncGenerator<Found> {
  const path = source.toString()
  try {
    // One after the other, as each is needed: a thread would only add to the time.
    const status = lstatSync(source)
    if (status.isDirectory() && status.ino === excepted?.ino && status.dev === excepted.dev)
      yield { kind: 'leftOut', path }
    else if (status.isDirectory()) yield* readFolder(source, excepted)
    else if (status.isFile()) {
      const openable = Buffer.from(path).equals(source) ? path : source
      const folder = dirname(resolve(path))
      const owner = userName(status.uid)
      yield { kind: 'file', path, source: openable, name: basename(path), folder, owner, size: status.size }
    } else if (!isNamed) yield { kind: 'leftOut', path }
    else if (status.isSymbolicLink())
      yield { kind: 'unreadable', path, reason: 'is a link, and links are not followed; name what it points to' }
    else yield { kind: 'unreadable', path, reason: 'is neither a file nor a folder' }
  } catch (error) {
    yield { kind: 'unreadable', path, reason: reasonOf(error) }
  }
}

async function* readFolder(source: Buffer, excepted: Stats | null): AsyncGenerator<Found> {
  // Node reads names as bytes with this encoding, which its types do not know.
  const folder = await opendir(source as unknown as string, { encoding: 'buffer' as BufferEncoding, bufferSize: 256 })
  for await (const entry of folder) {
    const name = entry.name as unknown as Buffer
    yield* visit(Buffer.concat([source, slash, name]), false, excepted)
  }
}

const slash = Buffer.from('/')

/** `permission denied` for an EACCES error, and so on; the system's own words for the rest. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // "EACCES: permission denied, open '/x'" → "permission denied"
  return /^E[A-Z]+: ([^,]+)/.exec(error.message)?.[1] ?? error.message
}
