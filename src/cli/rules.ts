import type { Command } from 'commander'
import { Failure } from '../errors/index.ts'
import type { Flags } from '../settings/index.ts'
import type { Backend } from './backend.ts'
import type { Conclude } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { addPlaceSettings } from './flags.ts'
import { openBackend } from './open-backend.ts'
import { formatDiagnostics, formatLeftOut, type RuleFile, readRuleFiles } from './rule-files.ts'
import { isPiped } from './rule-source.ts'
import { addRuleSources } from './rule-sources.ts'
import { formatCount, startProgress } from './terminal.ts'

export function addRules(program: Command, conclude: Conclude): void {
  const rules = program.command('rules').description('Manage rulesets.')
  const command = rules
    .command('import')
    .argument('<path...>', 'YARA files, and folders with YARA files.')
    .description('Save YARA files as rulesets, one ruleset a file, named after it. `-` stands for standard input.')
    .option('--core', 'Make them core rulesets, which the YARA API cannot change; for administrators and publishers.')
    .option('--partial', 'Where some rules of a file do not compile, let the others run, and name those.')
    .option('--name <name>', 'What the ruleset is called: for one file, or for rules from a pipe.')
    .option('--json', 'Print one JSON line per file: path, ruleset, revision, created, runs.')
    .addHelpText(
      'after',
      `
A ruleset of the same name gets a new revision. One that does not compile is saved all the same, but does not run: its
diagnostics are printed, and the exit status is 2. With --partial the rules that compile run.`,
    )
  addPlaceSettings(command).action(conclude(importRules))
  addRuleSources(rules, conclude)
}

interface ImportFlags extends Flags {
  readonly name?: string
  readonly partial?: true
  readonly core?: true
  readonly json?: true
}

async function importRules(paths: string[], flags: ImportFlags): Promise<ExitCode> {
  const outcome = { saved: 0, invalid: 0, failed: 0 }
  const fail = (sentence: string) => {
    outcome.failed += 1
    process.stderr.write(`backtrail: ${sentence}\n`)
  }
  const files = named(await readRuleFiles(paths, fail), flags.name)
  if (files.length === 0 && outcome.failed === 0)
    throw new Failure('rules.unreadable', `There is no YARA file in ${paths.join(', ')}.`)
  const place = await openBackend(flags, { isReading: false })
  const progress = startProgress()
  try {
    for (const file of files) {
      try {
        const runs = await save(place, file, flags)
        outcome.saved += 1
        if (!runs) outcome.invalid += 1
      } catch (error) {
        if (!(error instanceof Failure) || error.code === 'server.unreachable') throw error
        fail(`${file.path}: ${error.message}`)
      }
      progress.show(outcome.saved, files.length, formatCount(outcome.saved, 'ruleset'))
    }
  } finally {
    progress.end()
    await place.close()
  }
  const parts = [`${formatCount(outcome.saved, 'ruleset')} saved`]
  if (outcome.invalid > 0) parts.push(`${outcome.invalid} of them not running because of errors`)
  if (outcome.failed > 0) parts.push(`${formatCount(outcome.failed, 'path')} not imported`)
  process.stderr.write(`${parts.join(', ')}\n`)
  if (outcome.invalid > 0) return exitCodes.rulesInvalid
  return outcome.failed > 0 ? exitCodes.failed : exitCodes.done
}

/** The one file under the name that was asked for. What comes from a pipe has no name of its own. */
function named(files: readonly RuleFile[], name: string | undefined): readonly RuleFile[] {
  if (name === undefined) {
    const piped = files.find(({ path }) => isPiped(path))
    if (piped) throw new Failure('settings.invalid', 'Rules from a pipe have no name; say one with --name.')
    return files
  }
  if (files.length > 1)
    throw new Failure('settings.invalid', `--name is for one file, and there are ${files.length}; leave it out.`)
  return files.map((file) => ({ ...file, name }))
}

async function save(place: Backend, file: RuleFile, { core, json, partial }: ImportFlags): Promise<boolean> {
  const how = { isCore: core === true, partial: partial === true }
  const { created, revision, runs, diagnostics, leftOut } = await place.saveRuleset(file, how)
  const named = leftOut.map((one) => ({ ...one, text: file.name }))
  process.stderr.write(formatLeftOut([file], named))
  if (json)
    process.stdout.write(`${JSON.stringify({ path: file.path, ruleset: file.name, revision, created, runs })}\n`)
  if (!runs)
    process.stderr.write(
      formatDiagnostics(
        [file],
        diagnostics.map((one) => ({ ...one, text: file.name })),
      ),
    )
  return runs
}
