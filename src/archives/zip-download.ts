import { mkdir, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { startSevenZip } from './seven-zip.ts'

export interface ZipOptions {
  /** Made for the time of the packing, and removed. */
  readonly folder: string
  readonly password: string
  /** For all of it, in milliseconds. */
  readonly timeMs: number
  readonly signal?: AbortSignal
}

/**
 * A zip with the given files as a stream, packed by 7-Zip while it is read. The encryption is the old ZipCrypto: the
 * password keeps scanners and hasty double clicks off, and every unzip program can open it. Entries are called
 * `name`, which the caller makes safe and unlike the others. The stream fails when packing does; destroying it ends
 * the process.
 */
export function zipForDownload(
  files: readonly { readonly path: string; readonly name: string }[],
  options: ZipOptions,
): Readable {
  return Readable.from(packed(files, options), { objectMode: false })
}

async function* packed(
  files: readonly { readonly path: string; readonly name: string }[],
  { folder, password, timeMs, signal }: ZipOptions,
): AsyncGenerator<Buffer> {
  await mkdir(folder, { mode: 0o700 })
  try {
    // 7-Zip names entries after files, and follows links.
    for (const { path, name } of files) await symlink(path, join(folder, name))
    const bounds = { timeMs, memoryBytes: 1024 ** 3, signal }
    const process = startSevenZip(
      ['a', '-tzip', '-so', '-mx=1', '-mmt=1', '-bso0', '-bsp0', `-p${password}`, '--', 'samples.zip', '*'],
      bounds,
      { cwd: folder },
    )
    try {
      yield* process.stdout as AsyncIterable<Buffer>
    } finally {
      process.kill()
    }
    const { exitCode, errors } = await process.ended
    if (exitCode !== 0) throw new Error(`Packing the download failed: ${errors.trim() || 'it was stopped'}`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
