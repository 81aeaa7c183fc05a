import type { Command } from 'commander'
import type { Flags } from '../settings/index.ts'
import type { ExplainedRule } from './backend.ts'
import type { Conclude } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { addPlaceSettings } from './flags.ts'
import { openBackend } from './open-backend.ts'
import { demandRuleFiles, formatLeftOut, reportingDiagnostics } from './rule-files.ts'
import { formatBytes, formatCount, formatShare } from './terminal.ts'

export function addExplain(program: Command, conclude: Conclude): void {
  const command = program
    .command('explain')
    .argument('<rules...>', 'YARA files, and folders with YARA files; `-` is standard input.')
    .description('Tell what each rule demands of the index, and how much a hunt with it would read.')
    .option('--json', 'Print one JSON line per rule.')
    .option('--partial', 'Explain the rules that compile where others do not, and name those.')
    .addHelpText(
      'after',
      `
Prints for every rule its plan, the strings that cannot use the index and why, the share of the stored samples that a
hunt is expected to read, and what a small change to the rule would gain.`,
    )
  addPlaceSettings(command).action(conclude(explain))
}

async function explain(
  paths: string[],
  flags: Flags & { readonly json?: true; readonly partial?: true },
): Promise<ExitCode> {
  const partial = flags.partial === true
  const files = await demandRuleFiles(paths, partial)
  const place = await openBackend(flags, { isReading: true })
  try {
    const { rules, leftOut } = await reportingDiagnostics(files, () => place.explain(files, partial))
    process.stderr.write(formatLeftOut(files, leftOut))
    for (const rule of rules) process.stdout.write(flags.json ? `${JSON.stringify(rule)}\n` : textOf(rule))
  } finally {
    await place.close()
  }
  return exitCodes.done
}

/** The explanation of one rule, for people. */
export function textOf({ rule, plan, unindexable, advice, weakest, expected, corpus }: ExplainedRule): string {
  const samples = `${formatCount(expected.samples, 'sample')} (${formatShare(expected.samples, corpus.samples)})`
  const bytes = `${formatBytes(expected.bytes)} (${formatShare(expected.bytes, corpus.bytes)})`
  return [
    `rule ${rule}`,
    ...plan.split('\n').map((line) => `  ${line}`),
    ...unindexable.map(({ identifier, why }) => `  ${identifier} cannot use the index: ${why}`),
    `  expected to read: ${samples}, ${bytes}`,
    ...(expected.samples > 0 ? [`  let through by ${weakest.term} in line ${weakest.line}`] : []),
    ...advice.map((sentence) => `  advice: ${sentence}`),
    '',
    '',
  ].join('\n')
}
