import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Random } from '../planner/random.ts'

const MEGABYTE = 1e6
const LARGEST = 8 * MEGABYTE
const SMALLEST = 8_000
/** Of one kind of place: small files cost more to take in than they tell. */
const MOST_FILES = 500

/** Programs, and what programs bring along: text, images, archives, tables. */
const systemFolders = ['/usr/bin', '/usr/share']

/** Windows, macOS and Linux binaries, where `npm run bench` has unpacked them; null where it has not. */
export function binariesFolder(): string | null {
  const folder = join(process.env.BACKTRAIL_BENCH_DIR ?? join(tmpdir(), 'backtrail-bench'), 'binaries')
  return existsSync(folder) ? folder : null
}

/** Paths of real files, drawn at random: so many megabytes in all, the same share from each kind of place. */
export function drawFiles(random: Random, megabytes: number): string[] {
  const binaries = binariesFolder()
  const folders = binaries === null ? systemFolders : [...systemFolders, binaries]
  return folders.flatMap((folder) => {
    let left = (megabytes * MEGABYTE) / folders.length
    let count = 0
    return random.shuffled(filesUnder(folder)).filter((path) => {
      if (count >= MOST_FILES) return false
      const size = sizeOf(path)
      if (size < SMALLEST || size > Math.min(LARGEST, left)) return false
      left -= size
      count++
      return true
    })
  })
}

/** Those of the files that can be read, with their contents; equal contents once. */
export function readAll(paths: readonly string[]): Buffer[] {
  return [
    ...new Map(paths.map((path) => readFileSync(path)).map((bytes) => [bytes.toString('latin1'), bytes])).values(),
  ]
}

/** Pieces of the files as UTF-16LE and as base64 text, which few files of a Linux machine have; written into a folder. */
export function writeEncoded(
  paths: readonly string[],
  folder: string,
  random: Random,
): Record<'utf16' | 'base64', string[]> {
  const write = (encoding: 'utf16' | 'base64', n: number): string => {
    const bytes = readFileSync(random.pick(paths))
    const from = random.below(bytes.length)
    const piece = bytes.toString('latin1', from, from + 1_000 + random.below(20_000))
    const path = join(folder, `${encoding}-${n}`)
    writeFileSync(
      path,
      encoding === 'utf16' ? Buffer.from(piece, 'utf16le') : Buffer.from(piece, 'latin1').toString('base64'),
    )
    return path
  }
  const twenty = Array.from({ length: 20 }, (_, n) => n)
  return { utf16: twenty.map((n) => write('utf16', n)), base64: twenty.map((n) => write('base64', n)) }
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
