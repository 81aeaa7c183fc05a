/** Files that somebody has sent as one tree; archives among them lie in it as folders. */
import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../../errors/index.ts'
import { unpackedArchive } from './archive-tree.ts'
import { type FileTree, pathInTree } from './file-tree.ts'
import type { FetchOrder, Unreadable } from './order.ts'
import { RULE_FILE } from './rule-texts.ts'

const ARCHIVE = /\.(zip|tar|tgz|tbz2?|txz|gz|bz2|xz|zst|7z)$/i

/** What is neither a YARA file nor an archive, and archives that cannot be unpacked, are named with the reason. */
export async function openGivenFiles(
  order: FetchOrder,
): Promise<{ readonly tree: FileTree; readonly unreadable: readonly Unreadable[] }> {
  const files = new Map<string, { readonly path: string; readonly size: number }>()
  const unreadable: Unreadable[] = []
  let { bytes, files: count } = order.limits
  const add = (path: string, file: string, size: number) => {
    bytes -= size
    count -= 1
    if (bytes < 0) throw new Failure('source.too-large', `The files are larger than ${order.limits.bytes} bytes.`)
    if (count < 0) throw new Failure('source.too-large', `There are more than ${order.limits.files} files.`)
    files.set(path, { path: file, size })
  }
  for (const [number, { path: given, file }] of (order.files ?? []).entries()) {
    const path = pathInTree(given.replaceAll('\\', '/'))
    if (!path) unreadable.push({ path: given, message: `${given}: its path leads out of what was sent` })
    else if (RULE_FILE.test(path)) add(path, file, (await stat(file)).size)
    else if (!ARCHIVE.test(path))
      unreadable.push({ path, message: `${path}: it is neither a YARA file nor an archive` })
    else {
      const folder = join(order.folder, `given-${number}`)
      await mkdir(folder, { mode: 0o700 })
      try {
        const limits = { ...order.limits, bytes, files: count }
        const members = await unpackedArchive(file, path, { ...order, folder, limits })
        for (const { name, path: member, size } of members) add(`${path}/${name}`, member, size)
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        unreadable.push({ path, message: `${path}: ${error.message}` })
      }
    }
  }
  const tree: FileTree = {
    files: new Map([...files].map(([path, { size }]) => [path, size])),
    read(path) {
      const file = files.get(path)
      if (file === undefined) throw new Error(`There is no file ${path}.`)
      return readFile(file.path)
    },
    close: () => {},
  }
  return { tree, unreadable }
}
