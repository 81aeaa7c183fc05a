/**
 * The command line: its commands, and what comes of each way that one can end. Commands load what they need when they
 * run, so that `--help` and small commands answer at once.
 */
import { Command, CommanderError } from 'commander'
import { Failure, type FailureCode, traceOf } from '../errors/index.ts'
import { programVersion } from '../settings/index.ts'
import { addBackup } from './backup.ts'
import { addCheck } from './check.ts'
import { addCloud } from './cloud.ts'
import { addCluster } from './cluster.ts'
import type { Conclude } from './command.ts'
import { type ExitCode, exitCodes, exitCodesHelp } from './exit-codes.ts'
import { addExplain } from './explain.ts'
import { addHunt } from './hunt.ts'
import { addIndex } from './index-maintenance.ts'
import { addIngest } from './ingest.ts'
import { addLogin } from './login.ts'
import { addMove } from './move.ts'
import { addNode } from './node.ts'
import { addRetention } from './retention.ts'
import { addRules } from './rules.ts'
import { addServe } from './serve.ts'
import { addUsers } from './users.ts'

/** Runs the command that the arguments name (after Node and the script) and gives the exit status. */
export async function runCommandLine(argv: readonly string[]): Promise<ExitCode> {
  endQuietlyWithoutReader()
  let exitCode: ExitCode = exitCodes.done
  const program = buildProgram((code) => {
    exitCode = code
  })
  try {
    await program.parseAsync(argv)
    return exitCode
  } catch (error) {
    return reportFailure(error)
  }
}

const commands = [
  addServe,
  addNode,
  addIngest,
  addHunt,
  addRules,
  addExplain,
  addIndex,
  addCheck,
  addBackup,
  addMove,
  addRetention,
  addUsers,
  addLogin,
  addCloud,
  addCluster,
]

function buildProgram(end: (code: ExitCode) => void): Command {
  const conclude: Conclude =
    (action) =>
    async (...given) =>
      end(await action(...given))
  const program = new Command('backtrail')
    .description('A YARA hunting server: samples in, rules matched, and hunts that look up instead of reading.')
    .exitOverride()
    .showHelpAfterError('(add --help for what is allowed)')
    .helpCommand('help [command]', 'Tell about a command.')
  for (const add of commands) add(program, conclude)
  for (const command of withCommandsOf(program)) {
    command
      .version(programVersion, '-V, --version', 'Print the version.')
      .helpOption('-h, --help', 'Print this help.')
      .addHelpText('after', exitCodesHelp)
  }
  return program
}

/** A command and all below it. */
function withCommandsOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withCommandsOf)]
}

const ratings: Partial<Record<FailureCode, ExitCode>> = {
  'settings.invalid': exitCodes.wrongUsage,
  'data-folder.locked': exitCodes.dataFolderLocked,
  'database.locked': exitCodes.dataFolderLocked,
  'rules.invalid': exitCodes.rulesInvalid,
}

/** Tells a person what went wrong: in one sentence where it was expected, with the whole trace where it is a defect. */
function reportFailure(error: unknown): ExitCode {
  // Commander has printed its own errors, and ends help and version the same way.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.wrongUsage
  if (error instanceof Error && error.name === 'AbortError') return exitCodes.interrupted
  if (error instanceof Failure) {
    process.stderr.write(`backtrail: ${error.message}\n`)
    return ratings[error.code] ?? exitCodes.failed
  }
  process.stderr.write(`backtrail: an unexpected error, which is a defect:\n${traceOf(error)}\n`)
  return exitCodes.failed
}

/** Output into a pipe whose reader has gone (`| head`) ends the program without a word, as in other tools. */
function endQuietlyWithoutReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.done)
    throw error
  })
}
