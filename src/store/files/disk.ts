/**
 * How what was written gets onto the disk.
 *
 * `fsync` makes one file durable, and each costs a commit of the file system's journal and a flush of the disk's cache.
 * Where many files wait, one `syncfs` does for all: it writes out every file that was changed before the call, and the
 * names and sizes with them, so that renames before it are durable too. Node does not have it; `sync -f` of coreutils and
 * of BusyBox is just that call. An `fsync` follows, which flushes the disk's cache once more: without a journal, `syncfs`
 * writes names after its own flush.
 *
 * It is used only where it is known to keep that promise:
 * - The file systems listed below are local ones, which wait in `syncfs` for all that they have written. Others, such as
 *   FUSE and network file systems, may return before the far side has anything.
 * - Linux tells about writes that failed since 5.8 only. It tells whoever asks first, so only another program that syncs
 *   the same file system between the failure and our call could hear of it instead of us.
 * Whenever it fails, for whatever reason, files are synced one by one: `fsync` still tells which of them failed, and a
 * failure on somebody else's file is not held against ours.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fsync, openSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { release } from 'node:os'
import { promisify } from 'node:util'

export interface Disk {
  /** Makes a file durable, or the names in a folder. Rejects with the system's error. */
  sync(path: string): Promise<void>

  /** Makes everything durable that the file system of this path holds; false when that cannot be relied upon. */
  syncAll(path: string): Promise<boolean>
}

export const realDisk: Disk = { sync, syncAll }

/** `f_type` of ext2 to ext4, XFS and Btrfs: `man 2 statfs`. */
const WHOLLY_SYNCED = new Set([0xef53, 0x58465342, 0x9123683e])

const syncHandle = promisify(fsync)

async function sync(path: string): Promise<void> {
  // Only the wait for the disk is worth a thread.
  const file = openSync(path, 'r')
  try {
    await syncHandle(file)
  } finally {
    closeSync(file)
  }
}

async function syncAll(path: string): Promise<boolean> {
  if (!reportsFailures(release()) || !(await isWhollySynced(path))) return false
  try {
    const [code] = await once(spawn('sync', ['-f', path], { stdio: 'ignore' }), 'close')
    if (code !== 0) return false
  } catch {
    // There is no such program.
    return false
  }
  await sync(path)
  return true
}

/** Whether the path is on a file system of which a sync makes everything durable. */
export async function isWhollySynced(path: string): Promise<boolean> {
  return WHOLLY_SYNCED.has((await statfs(path)).type)
}

/** Whether `syncfs` of this release of Linux tells of writes that failed. */
export function reportsFailures(release: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10))
  return major > 5 || (major === 5 && minor >= 8)
}
