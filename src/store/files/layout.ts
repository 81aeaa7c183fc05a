/**
 * Where contents lie in a data folder: `blobs/ab/<sha256>`. For the store itself, and for what works on whole data
 * folders from outside, as backups do.
 */
import { join } from 'node:path'

/** The folder of all contents; people know it by this name. */
export const CONTENTS_FOLDER = 'blobs'

/** The 256 folders of contents, one for each first byte, within the data folder. */
export const contentFolders: readonly string[] = Array.from({ length: 256 }, (_, first) =>
  join(CONTENTS_FOLDER, first.toString(16).padStart(2, '0')),
)

/** Of a content within the data folder; `hex` is its SHA-256. */
export function contentFile(hex: string): string {
  return join(CONTENTS_FOLDER, hex.slice(0, 2), hex)
}

export function isContentName(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name)
}
