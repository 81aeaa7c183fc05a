/**
 * What Backtrail keeps is the business of the user that runs it alone: nobody else may read any of it, whatever rights the
 * data folder or its parts had before.
 */
import { chmodSync, type Dirent, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const OTHERS = 0o077
/** What is Backtrail's in a data folder, or in that of a server or a node of a cluster. */
const ours =
  /^(?:backtrail\.db.*|lock\.db.*|owner\.json.*|reserve.*|restoring|moving(\.new)?|blobs|scratch|incoming|doubts|damaged|index|workers|cluster|cache)$/
/** What file systems put into the folder that they are mounted at. */
const neutral = /^lost\+found$/

/** What this process and its workers make from now on is their user's alone. */
export function makeFilesPrivate(): void {
  process.umask(OTHERS)
}

/**
 * Takes the rights of others away from the data folder and what is Backtrail's in it; a folder that holds other things too
 * keeps its own. Where the folder was open, that goes down to each content; else as far as others might have got. Gives the
 * paths whose rights cannot be changed.
 */
export function makePrivate(folder: string): string[] {
  const refused: string[] = []
  const wasOpen = (statSync(folder).mode & OTHERS) !== 0
  const entries = readdirSync(folder, { withFileTypes: true })
  if (entries.every(({ name }) => ours.test(name) || neutral.test(name))) restrict(folder, refused)
  for (const entry of entries) if (ours.test(entry.name)) restrictEntry(folder, entry, wasOpen ? DEEPEST : 1, refused)
  return refused
}

/** Deeper than any folder of ours. */
const DEEPEST = 9

function restrictEntry(folder: string, entry: Dirent, depth: number, refused: string[]): void {
  const path = join(folder, entry.name)
  if (!entry.isFile() && !entry.isDirectory()) return
  restrict(path, refused)
  if (entry.isFile() || depth === 0) return
  for (const below of readdirSync(path, { withFileTypes: true })) restrictEntry(path, below, depth - 1, refused)
}

function restrict(path: string, refused: string[]): void {
  try {
    const { mode } = statSync(path)
    if ((mode & OTHERS) !== 0) chmodSync(path, mode & 0o700)
  } catch {
    refused.push(path)
  }
}
