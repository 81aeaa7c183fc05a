/** YARA files from the disk: reading them, naming rulesets after them, and telling what is wrong in them. */
import { extname, resolve } from 'node:path'
import { Failure } from '../errors/index.ts'
import type { Assembled, Place } from '../yara/index.ts'
import type { NamedDiagnostic, NamedLeftOut, RuleText } from './backend.ts'
import { includeFolder } from './includes.ts'
import { isPiped, type RuleSource, ruleSources } from './rule-source.ts'
import { reasonOf } from './walk.ts'

export interface RuleFile extends RuleText {
  readonly path: string
  /** Where a line and column of the content, both from 1, come from. */
  placeOf(line: number, column: number): Place
}

const extensions = new Set(['.yar', '.yara', '.yr', '.rule', '.rules'])

/**
 * The rule files that the paths name, and those below named folders, by path, with all that they include and under names
 * that differ. A named file may have any extension. A file of a folder that only includes others of it is left out, since
 * those are here themselves. `onUnreadable` is told what cannot be read, as a sentence that begins with the place.
 */
export async function readRuleFiles(
  paths: readonly string[],
  onUnreadable: (sentence: string) => void,
): Promise<RuleFile[]> {
  const { rulesetNamesOf } = await import('../rulesets/index.ts')
  const { placeIn } = await import('../yara/index.ts')
  const files: { readonly source: FoundSource; readonly whole: Assembled }[] = []
  for await (const source of ruleSources(paths, (path) => extensions.has(extname(path).toLowerCase()))) {
    if (source.kind === 'unreadable') {
      const reason = typeof source.reason === 'string' ? source.reason : reasonOf(source.reason)
      onUnreadable(`${source.path}: ${reason}`)
      continue
    }
    try {
      files.push({ source, whole: await readSource(source) })
    } catch (error) {
      onUnreadable(error instanceof Failure ? error.message : `${source.path}: ${reasonOf(error)}`)
    }
  }
  const here = new Set(files.map(({ source }) => source.real))
  const isIndex = ({ source, whole }: (typeof files)[number]) =>
    !source.isNamed && !whole.hasRules && whole.includes.size > 0 && whole.includes.isSubsetOf(here)
  const kept = files.filter((file) => !isIndex(file)).sort((a, b) => (a.source.path < b.source.path ? -1 : 1))
  const names = rulesetNamesOf(
    kept.map(({ source: { path } }) => resolve(isPiped(path) ? path.replace(/[<>]/g, '') : path)),
  )
  return kept.map(({ source: { path }, whole: { text, pieces } }, i) => {
    const placeOf = (line: number, column: number) => placeIn(pieces, line, column)
    return { path, name: names[i] as string, content: text, placeOf }
  })
}

type FoundSource = Extract<RuleSource, { kind: 'file' }>

async function readSource(source: FoundSource): Promise<Assembled> {
  const { assemble, decodeRules } = await import('../yara/index.ts')
  const { path, real, root } = source
  return assemble({ path, key: real, text: decodeRules(await source.read()) }, await includeFolder(root))
}

/**
 * All the rule files that the paths name. Fails with `rules.unreadable`; with `partial`, what cannot be read is named on
 * the terminal, and the others are given.
 */
export async function demandRuleFiles(paths: readonly string[], partial: boolean): Promise<RuleFile[]> {
  const files = await readRuleFiles(paths, (sentence) => {
    if (!partial) throw new Failure('rules.unreadable', sentence)
    process.stderr.write(`backtrail: ${sentence}\n`)
  })
  if (files.length === 0) throw new Failure('rules.unreadable', `There is no YARA file in ${paths.join(', ')}.`)
  return files
}

/** `file:line:column: message` for every diagnostic, errors and warnings, in the order of the files. */
export function formatDiagnostics(files: readonly RuleFile[], diagnostics: readonly NamedDiagnostic[]): string {
  return files
    .flatMap(({ name, placeOf }) =>
      diagnostics
        .filter(({ text }) => text === name)
        .map(({ line, column, severity, message }) => {
          const text = severity === 'warning' ? `warning: ${message}` : message
          const place = placeOf(line, column)
          return `${place.path}:${place.line}:${place.column}: ${text}\n`
        }),
    )
    .join('')
}

/** `file:line:column: rule x is left out: why` for everything that does not run, in the order of the files. */
export function formatLeftOut(files: readonly RuleFile[], leftOut: readonly NamedLeftOut[]): string {
  return files
    .flatMap(({ name, placeOf }) =>
      leftOut
        .filter(({ text }) => text === name)
        .map(({ kind, name, line, column, reason }) => {
          const place = placeOf(line, column)
          const what = kind === 'text' ? 'everything in it' : `${kind} ${name}`
          return `${place.path}:${place.line}:${place.column}: ${what} is left out: ${reason}\n`
        }),
    )
    .join('')
}

/** Runs the work and, where it fails because rules do not compile, names their files and lines. */
export async function reportingDiagnostics<T>(files: readonly RuleFile[], work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Failure && error.code === 'rules.invalid') {
      const { diagnostics = [] } = error.detail as { diagnostics?: readonly NamedDiagnostic[] }
      process.stderr.write(formatDiagnostics(files, diagnostics))
      const bad = new Set(diagnostics.filter(({ severity }) => severity === 'error').map(({ text }) => text))
      process.stderr.write(
        `${bad.size} of ${files.length} files do not compile; with --partial, everything that compiles runs\n`,
      )
    }
    throw error
  }
}
