import { createHash } from 'node:crypto'
import { Failure, type FailureCode } from '../errors/index.ts'
import { isNewRulesetName, isRulesetName, LONGEST_NAME, NO_ADDRESS_SIGNS, RULESET_NAMES } from './ruleset-name.ts'

const RULE_ENDING = /\.(yar|yara|yr|rule|rules)$/i

/** Fails with the code unless the name can be a ruleset's; the message, or `message`, says which names can. */
export function checkName(name: string, code: FailureCode, message?: string): void {
  if (!isRulesetName(name)) throw new Failure(code, message, { name, expected: RULESET_NAMES })
}

/** Fails with `parameter.out-of-range` for a name that a ruleset may have, but not a new one. */
export function demandNewName(name: string): void {
  if (isNewRulesetName(name)) return
  throw new Failure(
    'parameter.out-of-range',
    `Parameter not in expected range: the name of a new ruleset has ${NO_ADDRESS_SIGNS}, since clients that write names into addresses as they are could not read it back; write "_" instead.`,
    { name, expected: `${RULESET_NAMES}, with ${NO_ADDRESS_SIGNS}` },
  )
}

/**
 * A name made of a part of a file's path: without the ending, with underscores for what scripts and addresses write
 * differently. `rules/Win32.Ransomware.X.yara` becomes `Win32_Ransomware_X`.
 */
export function rulesetNameOf(file: string): string {
  const base = file.replace(/^.*[/\\]/, '').replace(RULE_ENDING, '')
  return legalName(base)
}

/** Letters of every script, digits, underscores and hyphens of the text, cut and filled up to a name's length. */
function legalName(text: string): string {
  const legal = [...text.normalize('NFC').replace(/[^\p{L}\p{N}\p{M}_-]+/gu, '_')].slice(0, LONGEST_NAME).join('')
  return legal.padEnd(3, '_')
}

/**
 * A name for each file, all of them different: the last part of its path where that is enough, and as many folders
 * before it as distinguish it from files of the same name. `a/mal.yar` and `b/mal.yar` become `a_mal` and `b_mal`,
 * `other.yar` stays `other`. The same paths get the same names, in whatever order they come.
 */
export function rulesetNamesOf(paths: readonly string[]): string[] {
  const files = paths.map((path): NamedFile => {
    const parts = path.split(/[/\\]+/).filter(Boolean)
    return { path, folders: parts.slice(0, -1), base: parts.at(-1) ?? '', level: 0, hasEnding: false }
  })
  for (;;) {
    const clashes = [...Map.groupBy(files, nameOf).values()].filter((some) => some.length > 1)
    if (clashes.length === 0) return files.map(nameOf)
    for (const clash of clashes) {
      for (const neighbours of Map.groupBy(clash, ({ folders }) => folders.join('/')).values()) {
        for (const [i, file] of neighbours.entries()) {
          // `mal.yar` beside `mal.yara`: no folder distinguishes them.
          if (neighbours.length > 1 && !file.hasEnding) file.hasEnding = true
          else file.level++
          if (file.level > file.folders.length + 1) file.path += `/${i}`
        }
      }
    }
  }
}

interface NamedFile {
  path: string
  readonly folders: readonly string[]
  readonly base: string
  /** How many of the folders are in the name; one more than there are stands for a digest of the path. */
  level: number
  hasEnding: boolean
}

function nameOf({ path, folders, base, level, hasEnding }: NamedFile): string {
  const file = hasEnding ? base : base.replace(RULE_ENDING, '')
  if (level === 0) return legalName(file)
  const whole = [...folders.slice(-level), file].join('_')
  const hasAllFolders = level <= folders.length
  if (hasAllFolders && [...whole].length <= LONGEST_NAME) return legalName(whole)
  const digest = createHash('sha256')
    .update(hasAllFolders ? whole : path)
    .digest('hex')
    .slice(0, 8)
  return `${[...legalName(file)].slice(0, LONGEST_NAME - 9).join('')}_${digest}`
}
