/** A commit of a repository, fetched without its history; files are read out of the pack, one at a time. */
import { Failure } from '../../errors/index.ts'
import { ByteReader } from './byte-reader.ts'
import { type FileTree, type OpenedSource, pathInTree } from './file-tree.ts'
import { Git } from './git-process.ts'
import type { Network } from './network.ts'
import type { FetchOrder } from './order.ts'
import { openTunnel } from './tunnel.ts'

const TIP = 'refs/backtrail/tip'
/** A list of branches that is asked for by name. */
const REFS_BYTES = 4 * 1024 * 1024
const OBJECT_ID = /^[0-9a-f]{40}([0-9a-f]{24})?$/

/** The commit alone where nothing else is asked for, or where it is the one that the caller has. */
export async function openGit(order: FetchOrder, network: Network): Promise<OpenedSource> {
  const tunnel = await openTunnel(network)
  try {
    const git = new Git(order)
    await git.prepare(tunnel.url)
    const { ref, commit } = await currentCommit(git, order)
    if (order.task === 'look' || commit === order.known) return { version: commit, tree: null }
    await git.run([
      'fetch',
      '--quiet',
      '--depth',
      '1',
      '--no-tags',
      '--no-recurse-submodules',
      '--',
      order.url,
      `+${ref}:${TIP}`,
    ])
    return await readTree(git, order)
  } catch (error) {
    // What the tunnel refused says why; git only says that it was refused.
    throw tunnel.failure() ?? error
  } finally {
    tunnel.close()
  }
}

async function currentCommit(git: Git, { url, branch }: FetchOrder): Promise<{ ref: string; commit: string }> {
  const names =
    branch === '' ? ['HEAD', 'refs/heads/main', 'refs/heads/master'] : [`refs/heads/${branch}`, `refs/tags/${branch}`]
  const printed = (await git.run(['ls-remote', '--', url, ...names], REFS_BYTES)).toString('utf8')
  const commits = new Map<string, string>()
  for (const line of printed.split('\n')) {
    const [commit = '', ref = ''] = line.split('\t')
    if (OBJECT_ID.test(commit)) commits.set(ref, commit)
  }
  const ref = names.find((name) => commits.has(name))
  const commit = commits.get(`${ref}^{}`) ?? commits.get(ref ?? '')
  if (ref !== undefined && commit !== undefined) return { ref, commit }
  throw new Failure(
    'source.unreachable',
    branch === '' ? 'The repository has no branch yet.' : `The repository has no branch or tag ${branch}.`,
  )
}

async function readTree(git: Git, { limits }: FetchOrder): Promise<OpenedSource> {
  const version = (await git.run(['rev-parse', '--verify', `${TIP}^{commit}`])).toString('latin1').trim()
  const objects = new Map<string, { readonly id: string; readonly size: number }>()
  let entries = 0
  let rest = Buffer.alloc(0)
  const mostBytes = limits.files * 1024
  for await (const piece of git.lines(['ls-tree', '-r', '-z', '-l', '--full-tree', version])) {
    rest = Buffer.concat([rest, piece])
    if (rest.length > mostBytes) throw new Failure('source.too-large', 'The repository has a path that is too long.')
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
      const line = rest.subarray(0, end).toString('utf8')
      rest = rest.subarray(end + 1)
      if (++entries > limits.files)
        throw new Failure('source.too-large', `The repository has more than ${limits.files} files.`)
      // 120000 is a link, 160000 a submodule.
      const [, id, size, name] = /^100\d{3} blob ([0-9a-f]+) +(\d+)\t(.*)$/s.exec(line) ?? []
      const path = pathInTree(name ?? '')
      if (id !== undefined && path) objects.set(path, { id, size: Number(size) })
    }
  }
  const reading = git.start(['cat-file', '--batch'])
  reading.on('error', () => {})
  reading.stdin.on('error', () => {})
  reading.stderr.resume()
  const reader = new ByteReader(reading.stdout)
  const tree: FileTree = {
    files: new Map([...objects].map(([path, { size }]) => [path, size])),
    async read(path) {
      const object = objects.get(path)
      if (object === undefined) throw new Error(`The tree has no file ${path}.`)
      reading.stdin.write(`${object.id}\n`)
      const head = (await reader.line()).split(' ')
      if (head[1] !== 'blob') throw new Failure('source.failed', `The repository does not have the content of ${path}.`)
      const content = await reader.bytes(Number(head[2]))
      await reader.bytes(1)
      return content
    },
    close: () => {
      reading.kill('SIGKILL')
    },
  }
  return { version, tree }
}
