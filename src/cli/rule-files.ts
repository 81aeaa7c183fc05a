/** YARA files from the disk: reading them, naming rulesets after them, and telling what is wrong in them. */
import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { Failure } from '../errors/index.ts'
import { reasonOf, walk } from './walk.ts'
import type { NamedDiagnostic, RuleText } from './workplace.ts'

export interface RuleFile extends RuleText {
  readonly path: string
}

const extensions = new Set(['.yar', '.yara', '.yr', '.rule', '.rules'])

/**
 * The rule files that the paths name, and those below named folders, by path. A named file may have any extension.
 * `onUnreadable` is told what cannot be read.
 */
export async function readRuleFiles(
  paths: readonly string[],
  onUnreadable: (path: string, reason: string) => void,
): Promise<RuleFile[]> {
  const { rulesetNameOf } = await import('../rulesets/index.ts')
  const files: RuleFile[] = []
  for await (const found of walk(paths)) {
    if (found.kind === 'unreadable') onUnreadable(found.path, found.reason)
    if (found.kind !== 'file' || !(paths.includes(found.path) || extensions.has(extname(found.name).toLowerCase())))
      continue
    try {
      const content = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(found.source))
      files.push({ path: found.path, name: rulesetNameOf(found.name), content })
    } catch (error) {
      onUnreadable(found.path, error instanceof TypeError ? 'is not UTF-8 text' : reasonOf(error))
    }
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** All the rule files that the paths name, under names that differ. Fails with `rules.unreadable`. */
export async function demandRuleFiles(paths: readonly string[]): Promise<RuleFile[]> {
  const files = await readRuleFiles(paths, (path, reason) => {
    throw new Failure('rules.unreadable', `${path}: ${reason}`)
  })
  if (files.length === 0) throw new Failure('rules.unreadable', `There is no YARA file in ${paths.join(', ')}.`)
  return withDistinctNames(files)
}

/** Later files of the same name get `_2`, `_3` and so on. */
function withDistinctNames(files: readonly RuleFile[]): RuleFile[] {
  const taken = new Set<string>()
  return files.map((file) => {
    let name = file.name
    for (let number = 2; taken.has(name); number += 1) name = `${file.name}_${number}`
    taken.add(name)
    return { ...file, name }
  })
}

/** `file:line:column: message` for every diagnostic, errors and warnings, in the order of the files. */
export function diagnosticsTold(files: readonly RuleFile[], diagnostics: readonly NamedDiagnostic[]): string {
  return files
    .flatMap(({ name, path }) =>
      diagnostics
        .filter(({ text }) => text === name)
        .map(({ line, column, severity, message }) => {
          const told = severity === 'warning' ? `warning: ${message}` : message
          return `${path}:${line}:${column}: ${told}\n`
        }),
    )
    .join('')
}

/** Runs the work and, where it fails because rules do not compile, names their files and lines. */
export async function tellingDiagnostics<T>(files: readonly RuleFile[], work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Failure && error.code === 'rules.invalid') {
      const { diagnostics = [] } = error.detail as { diagnostics?: readonly NamedDiagnostic[] }
      process.stderr.write(diagnosticsTold(files, diagnostics))
    }
    throw error
  }
}
