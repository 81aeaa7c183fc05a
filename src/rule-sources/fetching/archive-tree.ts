/** The files of a rule package: a zip, a tar, or a compressed tar, unpacked by 7-Zip within its bounds. */
import { readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Archives, type Member } from '../../archives/index.ts'
import { Failure } from '../../errors/index.ts'
import { download } from './download.ts'
import { type FileTree, type OpenedSource, pathInTree } from './file-tree.ts'
import type { Network } from './network.ts'
import type { FetchOrder } from './order.ts'
import { RULE_FILE } from './rule-texts.ts'

/** What compresses one file; that may be a tar, whatever it is called. */
const COMPRESSED = new Set(['gzip', 'bzip2', 'xz', 'zstd', 'lzma', 'z'])
const RATIO = 1_000

export async function openArchive(order: FetchOrder, network: Network): Promise<OpenedSource> {
  const archive = join(order.folder, 'archive')
  const digest = await download(order, network, archive)
  const version = digest === '' ? '' : `sha256:${digest}`
  if (order.task === 'look' || version === order.known) return { version, tree: null }
  const members = await unpackedArchive(archive, new URL(order.url).pathname, order)
  const byPath = new Map<string, Member>()
  for (const member of members) byPath.set(member.name, member)
  const tree: FileTree = {
    files: new Map([...byPath].map(([path, { size }]) => [path, size])),
    read(path) {
      const member = byPath.get(path)
      if (member === undefined) throw new Error(`The archive has no file ${path}.`)
      return readFile(member.path)
    },
    close: () => {},
  }
  return { version, tree }
}

/** The files in an archive, with paths within it. Fails with `source.failed` and `source.too-large`. */
export async function unpackedArchive(path: string, name: string, order: Order): Promise<readonly Member[]> {
  return withoutCommonFolder(await unpacked(path, name, order, 0))
}

type Order = Pick<FetchOrder, 'folder' | 'limits'>

async function unpacked(path: string, name: string, order: Order, depth: number): Promise<readonly Member[]> {
  const { limits, folder } = order
  const archives = new Archives({
    members: limits.files,
    totalBytes: limits.bytes,
    ratio: RATIO,
    timeMs: limits.timeMs,
  })
  const { format, members, note, locked } = await archives.unpack(path, {
    folder: join(folder, `unpacked-${depth}`),
    name,
    passwords: [],
    ...(depth > 0 && { fileType: 'Binary/Archive/TAR' }),
  })
  if (locked) throw new Failure('source.failed', 'The archive is encrypted.')
  if (format === null) {
    const { size } = await stat(path)
    if (depth > 0 || RULE_FILE.test(name)) return [{ name: basename(name), path, size }]
    throw new Failure('source.failed', 'It is no archive: a zip, a tar, or a compressed tar is expected.')
  }
  // Half of a package would look like rules that were removed.
  if (note !== null) {
    const isTooLarge = /more than|larger than/.test(note)
    throw new Failure(isTooLarge ? 'source.too-large' : 'source.failed', `The archive cannot be used: ${note}`)
  }
  const [only] = members
  if (depth === 0 && only !== undefined && COMPRESSED.has(format.toLowerCase())) {
    return unpacked(only.path, only.name, order, depth + 1)
  }
  return members
}

/** Packages of a commit or a release have all files in one folder, which is called otherwise each time. */
function withoutCommonFolder(members: readonly Member[]): Member[] {
  const kept = members.flatMap((member) => {
    const name = pathInTree(member.name)
    return name ? [{ ...member, name }] : []
  })
  const folders = new Set(kept.map(({ name }) => (name.includes('/') ? name.slice(0, name.indexOf('/') + 1) : '')))
  const [folder = ''] = folders
  return folders.size === 1 ? kept.map((member) => ({ ...member, name: member.name.slice(folder.length) })) : kept
}
