import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { SampleDigests } from '../../src/index/index.ts'
import { planRuleset, type RulesetPlan } from '../../src/planner/index.ts'
import { parse } from '../../src/yara/index.ts'

/** What the benches of the index work on: the files of folders, and the plans of the rule files of a folder. */

export function filesUnder(folders: readonly string[]): string[] {
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  )
  if (files.length === 0) throw new Error('there are no files')
  return files.sort()
}

export function digestsOf(bytes: Uint8Array): SampleDigests {
  const digest = (algorithm: string) => createHash(algorithm).update(bytes).digest()
  return { md5: digest('md5'), sha1: digest('sha1'), sha256: digest('sha256') }
}

export interface NamedPlan {
  readonly name: string
  readonly ruleset: RulesetPlan
}

export function plansUnder(folder: string): NamedPlan[] {
  const files = filesUnder([folder]).filter((path) => /\.yara?$/.test(path))
  return files.map((path) => ({ name: basename(path), ruleset: planRuleset(parse(readFileSync(path, 'utf8'))) }))
}

/** The value at a share of the sorted values: 0.5 is the median. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function argumentsOf(usage: string): { rules: string; folders: string[] } {
  const [rules, ...folders] = process.argv.slice(2)
  if (rules === undefined || folders.length === 0) {
    console.error(`usage: node ${usage} RULES FOLDER…`)
    process.exit(2)
  }
  return { rules, folders }
}
