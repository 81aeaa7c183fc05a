import type { Command } from 'commander'
import { Failure } from '../errors/index.ts'
import type { Flags } from '../settings/index.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { addPlaceSettings } from './flags.ts'
import type { Conclude } from './program.ts'
import { diagnosticsTold, type RuleFile, readRuleFiles } from './rule-files.ts'
import { countTold, startProgress } from './terminal.ts'
import { openWorkplace, type Workplace } from './workplace.ts'

export function addRules(program: Command, conclude: Conclude): void {
  const rules = program.command('rules').description('Manage rulesets.')
  const command = rules
    .command('import')
    .argument('<path...>', 'YARA files, and folders with YARA files.')
    .description('Save YARA files as rulesets, one ruleset a file, named after it.')
    .option('--core', 'Make them core rulesets, which the API cannot change.')
    .option('--json', 'Print one JSON line per file: path, ruleset, revision, created, runs.')
    .addHelpText(
      'after',
      `
A ruleset of the same name gets a new revision. One that does not compile is saved all the same, but does not run: its
diagnostics are printed, and the exit status is 2.`,
    )
  addPlaceSettings(command).action(conclude(importRules))
}

interface ImportFlags extends Flags {
  readonly core?: true
  readonly json?: true
}

async function importRules(paths: string[], flags: ImportFlags): Promise<ExitCode> {
  const outcome = { saved: 0, invalid: 0, failed: 0 }
  const fail = (path: string, reason: string) => {
    outcome.failed += 1
    process.stderr.write(`backtrail: ${path}: ${reason}\n`)
  }
  const files = await readRuleFiles(paths, fail)
  if (files.length === 0 && outcome.failed === 0)
    throw new Failure('rules.unreadable', `There is no YARA file in ${paths.join(', ')}.`)
  const place = await openWorkplace(flags, { isReading: false })
  const progress = startProgress()
  const owners = new Map<string, string>()
  try {
    for (const file of files) {
      const other = owners.get(file.name)
      owners.set(file.name, file.path)
      if (other !== undefined) {
        fail(file.path, `would replace ${other}, because both are named ${file.name}; rename one`)
        continue
      }
      try {
        const runs = await save(place, file, flags)
        outcome.saved += 1
        if (!runs) outcome.invalid += 1
      } catch (error) {
        if (!(error instanceof Failure) || error.code === 'server.unreachable') throw error
        fail(file.path, error.message)
      }
      progress.show(outcome.saved, files.length, countTold(outcome.saved, 'ruleset'))
    }
  } finally {
    progress.end()
    await place.close()
  }
  const told = [`${countTold(outcome.saved, 'ruleset')} saved`]
  if (outcome.invalid > 0) told.push(`${outcome.invalid} of them not running because of errors`)
  if (outcome.failed > 0) told.push(`${countTold(outcome.failed, 'path')} not imported`)
  process.stderr.write(`${told.join(', ')}\n`)
  if (outcome.invalid > 0) return exitCodes.rulesInvalid
  return outcome.failed > 0 ? exitCodes.failed : exitCodes.done
}

async function save(place: Workplace, file: RuleFile, { core, json }: ImportFlags): Promise<boolean> {
  const { created, revision, runs, diagnostics } = await place.saveRuleset(file, core === true)
  if (json)
    process.stdout.write(`${JSON.stringify({ path: file.path, ruleset: file.name, revision, created, runs })}\n`)
  if (!runs)
    process.stderr.write(
      diagnosticsTold(
        [file],
        diagnostics.map((one) => ({ ...one, text: file.name })),
      ),
    )
  return runs
}
