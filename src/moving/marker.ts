/**
 * The file `moving` of a data folder: which move it is the source or the target of. With `blocks`, no server starts on the
 * folder before the move has ended.
 */
import { randomUUID } from 'node:crypto'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type FolderMove, MOVING_FILE, readFolderMove } from '../store/index.ts'

/** The one that is there, or a new one that is not written yet. */
export function openMarker(data: string, about: string): FolderMove {
  return readFolderMove(data) ?? { id: randomUUID(), blocks: false, about }
}

export function writeMarker(data: string, move: FolderMove): void {
  const file = join(data, MOVING_FILE)
  writeFileSync(`${file}.new`, `${JSON.stringify(move)}\n`, { mode: 0o600, flush: true })
  renameSync(`${file}.new`, file)
}

export function removeMarker(data: string): void {
  rmSync(join(data, MOVING_FILE), { force: true })
}
