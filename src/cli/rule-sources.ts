import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { Failure } from '../errors/index.ts'
import type { Flags } from '../settings/index.ts'
import type { Backend, NamedSource, SourcePreview, SyncResult } from './backend.ts'
import type { Conclude } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { addPlaceSettings, addSettings } from './flags.ts'
import { openBackend } from './open-backend.ts'
import { formatCount, formatShare, formatTable } from './terminal.ts'

/** What a source may cost and where it may lie, for commands that work on a data folder themselves. */
const fetchSettings = [
  'ruleSourceHosts',
  'ruleSourceNetworks',
  'ruleSourceCa',
  'ruleSourceBytes',
  'ruleSourceFiles',
  'ruleSourceTimeout',
] as const

export function addRuleSources(rules: Command, conclude: Conclude): void {
  const sources = rules.command('sources').description('Manage repositories and archives that rulesets come from.')

  const add = sources
    .command('add')
    .argument('<url>', 'https://…, a git repository, or a zip or tar with rule files.')
    .description('Add a source and show what it would bring. Nothing is imported without --import or --mode import.')
    .option('--name <name>', 'What it is called; made from the address otherwise.')
    .option('--branch <name>', 'A branch or a tag; the default branch otherwise.')
    .option('--access-token-file <file>', 'Has the token for a private source as its first line; - is standard input.')
    .addOption(
      new Option('--mode <mode>', 'What a running server does by itself: nothing, update rulesets, or import new too.')
        .choices(['manual', 'update', 'import'])
        .default('manual'),
    )
    .addOption(
      new Option('--removed <what>', 'What happens with a ruleset whose file is gone from the source.')
        .choices(['disable', 'delete'])
        .default('disable'),
    )
    .option('--import', 'Import all of it at once.')
    .option('--json', 'Print JSON: the source, and the preview or what the import did.')
  addSettings(addPlaceSettings(add), fetchSettings).action(conclude(addSource))

  const list = sources
    .command('list')
    .description('List sources with their state, and why the last synchronization failed.')
    .option('--json', 'Print one JSON line per source.')
  addPlaceSettings(list).action(conclude(listSources))

  const preview = sources
    .command('preview')
    .argument('<source>', 'The name of a source, or its id.')
    .description('Show what a synchronization would do, what does not compile, and what would match too much.')
    .option('--json', 'Print JSON.')
  addSettings(addPlaceSettings(preview), fetchSettings).action(conclude(previewSource))

  const sync = sources
    .command('sync')
    .argument('<source>', 'The name of a source, or its id.')
    .description('Fetch a source now, and bring all its rulesets up to date. New files become rulesets.')
    .option('--overwrite', 'What was edited or deleted here becomes what the source has.')
    .option('--json', 'Print JSON.')
    .addHelpText(
      'after',
      `
A ruleset that was edited here is left alone. What does not compile is named with file and line, and the exit status is 2;
a ruleset that ran before then keeps its text.`,
    )
  addSettings(addPlaceSettings(sync), fetchSettings).action(conclude(syncSource))

  const remove = sources
    .command('remove')
    .argument('<source>', 'The name of a source, or its id.')
    .description('Remove a source. Its rulesets stay, and are not updated any more.')
    .option('--with-rulesets', 'Delete its rulesets with their matches too, but for those that were edited here.')
  addPlaceSettings(remove).action(conclude(removeSource))
}

interface AddFlags extends Flags {
  readonly name?: string
  readonly branch?: string
  readonly accessTokenFile?: string
  readonly mode: NamedSource['mode']
  readonly removed: 'disable' | 'delete'
  readonly import?: true
  readonly json?: true
}

async function addSource(url: string, flags: AddFlags): Promise<ExitCode> {
  const { name = '', branch = '', accessTokenFile, mode, removed, json, ...place } = flags
  const token = accessTokenFile === undefined ? '' : firstLineOf(accessTokenFile)
  return at(place, false, async ({ sources }) => {
    const source = await sources.add({ url, name, branch, token, mode, deletes: removed === 'delete' })
    if (flags.import || mode === 'import') {
      const result = await sources.synchronize(source.id, false)
      if (json) process.stdout.write(`${JSON.stringify({ source, result })}\n`)
      return printResult(source, result, json === true)
    }
    const preview = await sources.preview(source.id)
    if (json) process.stdout.write(`${JSON.stringify({ source, preview })}\n`)
    else {
      printPreview(preview)
      process.stdout.write(
        `${source.name} was added; nothing is imported yet: backtrail rules sources sync ${quoted(source.name)}\n`,
      )
    }
    return exitCodes.done
  })
}

function listSources({ json, ...flags }: Flags & { readonly json?: true }): Promise<ExitCode> {
  return at(flags, true, async ({ sources }) => {
    const all = await sources.list()
    if (json) for (const source of all) process.stdout.write(`${JSON.stringify(source)}\n`)
    else if (all.length === 0) process.stderr.write('there are no sources; add one with backtrail rules sources add\n')
    else {
      const rows = all.map(({ id, name, state, mode, version, synced, url }) => {
        return [String(id), name, state, mode, shortVersion(version), synced ?? 'never', url]
      })
      process.stdout.write(
        `${formatTable(['id', 'name', 'state', 'mode', 'version', 'synchronized', 'address'], rows)}\n`,
      )
      for (const { name, problem } of all) if (problem !== null) process.stdout.write(`${name}: ${problem}\n`)
    }
    return exitCodes.done
  })
}

function previewSource(which: string, { json, ...flags }: Flags & { readonly json?: true }): Promise<ExitCode> {
  return at(flags, true, async ({ sources }) => {
    const { id } = await sourceOf(sources, which)
    const preview = await sources.preview(id)
    if (json) process.stdout.write(`${JSON.stringify(preview)}\n`)
    else printPreview(preview)
    return exitCodes.done
  })
}

interface SyncFlags extends Flags {
  readonly overwrite?: true
  readonly json?: true
}

function syncSource(which: string, { overwrite, json, ...flags }: SyncFlags): Promise<ExitCode> {
  return at(flags, true, async ({ sources }) => {
    const source = await sourceOf(sources, which)
    const result = await sources.synchronize(source.id, overwrite === true)
    if (json) process.stdout.write(`${JSON.stringify(result)}\n`)
    return printResult(source, result, json === true)
  })
}

function removeSource(
  which: string,
  { withRulesets, ...flags }: Flags & { readonly withRulesets?: true },
): Promise<ExitCode> {
  return at(flags, true, async ({ sources }) => {
    const { id, name } = await sourceOf(sources, which)
    await sources.remove(id, withRulesets === true)
    process.stderr.write(`${name} was removed; its rulesets ${withRulesets ? 'are deleted' : 'stay'}\n`)
    return exitCodes.done
  })
}

async function at(flags: Flags, isReading: boolean, work: (place: Backend) => Promise<ExitCode>): Promise<ExitCode> {
  const place = await openBackend(flags, { isReading })
  try {
    return await work(place)
  } finally {
    await place.close()
  }
}

async function sourceOf(sources: Backend['sources'], which: string): Promise<NamedSource> {
  const all = await sources.list()
  const found = all.find(({ name }) => name === which) ?? all.find(({ id }) => String(id) === which)
  if (found) return found
  throw new Failure('source.not-found', `There is no rule source ${which}; "backtrail rules sources list" names them.`)
}

function printPreview({ version, corpus, files, unreadable }: SourcePreview): void {
  const rows = files.map(({ step, path, ruleset, runs, expected }) => {
    const reads = expected === null || corpus === null ? '' : formatShare(expected.samples, corpus.samples)
    return [words[step] ?? step, ruleset, runs === null ? '' : runs ? 'runs' : 'does not compile', reads, path]
  })
  process.stdout.write(`${formatTable(['', 'ruleset', '', 'would read', 'file'], rows)}\n`)
  for (const { problems } of files) for (const problem of problems) process.stdout.write(`${problem}\n`)
  for (const { message } of unreadable) process.stdout.write(`${message}\n`)
  for (const { path, broadRules } of files) {
    if (broadRules.length > 0) {
      process.stdout.write(`${path}: would have a tenth of all samples read, or more: ${broadRules.join(', ')}\n`)
    }
  }
  process.stdout.write(`${formatCount(files.length, 'file')} at ${shortVersion(version)}\n`)
}

const words: Readonly<Record<string, string>> = {
  create: 'new',
  offer: 'new',
  update: 'changed',
  keep: 'as before',
  restore: 'back',
  detached: 'edited here',
  declined: 'deleted here',
  disable: 'gone: disable',
  delete: 'gone: delete',
  forget: 'gone',
}

function printResult({ name }: NamedSource, result: SyncResult, isJson: boolean): ExitCode {
  const { created, updated, removed, unchanged, detached, problems } = result
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  const counts = { new: created, changed: updated, gone: removed, 'as before': unchanged, 'edited here': detached }
  const parts = Object.entries(counts).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : []))
  const summary = `${name} is at ${shortVersion(result.version)}: ${parts.join(', ') || 'nothing to do'}\n`
  ;(isJson ? process.stderr : process.stdout).write(summary)
  return problems.length > 0 ? exitCodes.rulesInvalid : exitCodes.done
}

/** As people tell commits apart. */
function shortVersion(version: string | null): string {
  return version === null ? '–' : version.slice(0, version.startsWith('sha256:') ? 19 : 12)
}

function quoted(name: string): string {
  return /^[\w./-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`
}

function firstLineOf(file: string): string {
  try {
    return (
      readFileSync(file === '-' ? 0 : file, 'utf8')
        .split('\n', 1)[0]
        ?.trim() ?? ''
    )
  } catch {
    throw new Failure('settings.invalid', `The file ${file} with the token cannot be read.`)
  }
}
