/**
 * Data folders of versions before December 2026 had one folder for all that was on its way, which each start emptied, and
 * notes instead of intents:
 *
 *   incoming/        staged files, and folders of members
 *   doubts/<uuid>    digests in hexadecimal, a line each, of contents that may be without a sample
 *   workers/         progress records
 */
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isContentName } from './layout.ts'
import type { Leftovers } from './scratch.ts'

/**
 * Removes those folders, where there are some, after `recover` has looked up the contents that the notes name. Such a
 * version locks the data folder, so none of them is in use.
 */
export async function takeOverEarlierFolder(
  dataFolder: string,
  recover: (digests: readonly Uint8Array[]) => Promise<void>,
): Promise<Leftovers> {
  const left = { files: 0, bytes: 0 }
  const incoming = join(dataFolder, 'incoming')
  for (const entry of await entriesOf(incoming)) {
    left.files++
    if (entry.isFile()) left.bytes += (await stat(join(incoming, entry.name))).size
  }
  const doubts = join(dataFolder, 'doubts')
  for (const note of await entriesOf(doubts)) {
    const lines = (await readFile(join(doubts, note.name), 'latin1')).split('\n')
    // A note that was cut off names only contents that were not touched yet.
    await recover(lines.filter(isContentName).map((line) => Buffer.from(line, 'hex')))
  }
  for (const name of ['incoming', 'doubts', 'workers']) {
    if ((await stat(join(dataFolder, name)).catch(() => null))?.isDirectory())
      await rm(join(dataFolder, name), { recursive: true, force: true })
  }
  return left
}

/** None where there is no such folder. */
function entriesOf(folder: string) {
  return readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
    throw error
  })
}
