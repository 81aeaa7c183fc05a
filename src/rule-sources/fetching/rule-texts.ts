/** The YARA files of a tree as texts, each with what it includes. */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { posix } from 'node:path'
import { Failure } from '../../errors/index.ts'
import { assemble, decodeRules, type IncludeFolder, IncludeRefusal, LONGEST_SOURCE } from '../../yara/index.ts'
import { type FileTree, pathInTree } from './file-tree.ts'
import type { FetchedText } from './order.ts'

export const RULE_FILE = /\.(yar|yara|yr|rule|rules)$/i
/** What git keeps in place of a large file (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md). */
const LFS_POINTER = /^version https:\/\/git-lfs\.github\.com\/spec\/v1\r?\noid /

export interface RuleTexts {
  readonly texts: readonly FetchedText[]
  readonly unreadable: readonly { readonly path: string; readonly message: string }[]
}

/** Writes the texts to new files in `folder`. `source.too-large` for more than `mostBytes` of them. */
export async function readRuleTexts(tree: FileTree, folder: string, mostBytes: number): Promise<RuleTexts> {
  const paths = [...tree.files.keys()].filter((path) => RULE_FILE.test(path)).sort()
  const here = new Set(paths)
  const includes = includesOf(tree)
  const texts: FetchedText[] = []
  const unreadable: { path: string; message: string }[] = []
  let total = 0
  for (const [number, path] of paths.entries()) {
    try {
      const source = await readSource(tree, path)
      const whole = await assemble({ path, key: path, text: source }, includes)
      // It only gathers files that are here themselves.
      if (!whole.hasRules && whole.includes.size > 0 && whole.includes.isSubsetOf(here)) continue
      const content = Buffer.from(whole.text)
      total += content.length
      if (total > mostBytes)
        throw new Failure('source.too-large', `The rules are longer than ${mostBytes} bytes together.`)
      const file = `${folder}/text-${number}`
      writeFileSync(file, content, { flag: 'wx', mode: 0o600 })
      const digest = createHash('sha256').update(content).digest('hex')
      texts.push({ path, file, bytes: content.length, digest, pieces: whole.pieces })
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'rules.unreadable') throw error
      unreadable.push({ path, message: error.message })
    }
  }
  return { texts, unreadable }
}

async function readSource(tree: FileTree, path: string): Promise<string> {
  const size = tree.files.get(path) ?? 0
  if (size > LONGEST_SOURCE)
    throw new Failure('rules.unreadable', `${path}: it is longer than ${LONGEST_SOURCE / 1024 / 1024} MB`)
  const text = decodeRules(await tree.read(path))
  if (LFS_POINTER.test(text))
    throw new Failure('rules.unreadable', `${path}: its content is kept by Git LFS, which is not fetched`)
  if (text.trim() === '') throw new Failure('rules.unreadable', `${path}: it is empty`)
  return text
}

function includesOf(tree: FileTree): IncludeFolder {
  return {
    async find(from, target) {
      const path = pathInTree(posix.join(posix.dirname(from), target).replace(/^(\.\/)+/, ''))
      if (path === null) throw new IncludeRefusal('it lies outside of the repository')
      const size = tree.files.get(path)
      if (size !== undefined) return { key: path, size }
      const isFolder = path === '' || [...tree.files.keys()].some((one) => one.startsWith(`${path}/`))
      throw new IncludeRefusal(isFolder ? 'it is not a file' : 'there is no such file')
    },
    read: (path) => tree.read(path),
    show: (path) => path,
  }
}
