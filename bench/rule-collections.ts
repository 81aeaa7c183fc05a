/**
 * Public rules as their authors publish them, collection by collection. They are not part of the project: each folder
 * within the folder given (`../shared/rules` if none is) is a collection, and each file of rules in it a ruleset.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from '../src/yara/index.ts'

/** Nothing in the index or the planner may be chosen by what these say: they stand for the rules of strangers. */
const KEPT_ASIDE: readonly string[] = ['lw-yara', 'malcontent']

export interface RuleFile {
  /** Its path within the collection. */
  readonly name: string
  readonly path: string
  readonly content: string
  /** Names of its rules. */
  readonly rules: readonly string[]
}

export interface RuleCollection {
  readonly name: string
  readonly isKeptAside: boolean
  /** In the order of their names. */
  readonly files: readonly RuleFile[]
  /** Files that hold no rules of their own, such as lists of `include`. */
  readonly withoutRules: number
}

export function ruleCollections(folder = fileURLToPath(new URL('../../shared/rules', import.meta.url))) {
  if (!existsSync(folder))
    throw new Error(`there are no collections of rules in ${folder}; name their folder with --rules`)
  const collections = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => collection(name, join(folder, name)))
    .filter(({ files }) => files.length > 0)
    .sort((one, other) => one.name.localeCompare(other.name))
  if (collections.length === 0) throw new Error(`no folder in ${folder} holds files of rules`)
  return collections
}

function collection(name: string, folder: string): RuleCollection {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.yara?$/i.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  const files = paths.flatMap((path): RuleFile[] => {
    const content = readFileSync(path, 'utf8')
    const rules = parse(content).rules.map((rule) => rule.name)
    return rules.length === 0 ? [] : [{ name: relative(folder, path), path, content, rules }]
  })
  return { name, isKeptAside: KEPT_ASIDE.includes(name), files, withoutRules: paths.length - files.length }
}

/** As many files as `most`, spread evenly over the collection. */
export function someFiles({ files }: RuleCollection, most: number): readonly RuleFile[] {
  const step = Math.max(1, files.length / most)
  return Array.from({ length: Math.min(most, files.length) }, (_, n) => files[Math.floor(n * step)] as RuleFile)
}

/** Files whose rules can stand in one text, none of them named like another, until they are `most` rules. */
export function filesForOneText(files: Iterable<RuleFile>, most: number): readonly RuleFile[] {
  const names = new Set<string>()
  const chosen: RuleFile[] = []
  for (const file of files) {
    if (names.size + file.rules.length > most || file.rules.some((name) => names.has(name))) continue
    for (const name of file.rules) names.add(name)
    chosen.push(file)
  }
  return chosen
}
