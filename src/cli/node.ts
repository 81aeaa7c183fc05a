import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type Flags, readSettings } from '../settings/index.ts'
import type { Conclude } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { addSettings } from './flags.ts'
import { listenForInterruption } from './interruption.ts'
import { keepLargePages } from './large-pages.ts'
import { limitStopping } from './stop-limit.ts'

interface NodeFlags extends Flags {
  readonly cache?: string
}

export function addNode(program: Command, conclude: Conclude): void {
  const command = program
    .command('node')
    .description(
      'Run a node of a cluster, which hunts, examines samples and merges for its server, until it is asked to stop.',
    )
    .option(
      '--cache <folder>',
      'The folder with its copies of samples and of the index; it is made when it is missing. (default: ./cache; environment: BACKTRAIL_CACHE)',
    )
    .addHelpText(
      'after',
      `
A node takes the --database and the --store of a server that is running, or was, in the same version. Nothing is lost with a node:
it can be killed, and its folder deleted, at any time. docs/cluster.md tells how a cluster is set up.`,
    )
  addSettings(command, [
    ...(['database', 'databasePasswordFile', 'store', 'storeEndpoint', 'storeRegion', 'storePathStyle'] as const),
    ...(['storeCredentials', 'storeCa', 'cacheSize', 'workers', 'engine', 'scanTimeout', 'compileTimeout'] as const),
    ...(['workerMemory', 'logLevel', 'logFormat', 'shutdownGrace'] as const),
  ]).action(conclude(runNode))
}

async function runNode({ cache, ...flags }: NodeFlags): Promise<ExitCode> {
  const data = resolve(cache ?? process.env.BACKTRAIL_CACHE ?? 'cache')
  const settings = readSettings({ ...flags, data }, process.env)
  const interruption = listenForInterruption(() => process.exit(exitCodes.interrupted))
  interruption.signal.addEventListener('abort', () => limitStopping(settings.shutdownGrace), { once: true })
  const { openLog } = await import('./log.ts')
  const log = openLog(settings)
  const { openNode } = await import('../appliance/index.ts')
  const node = await openNode(settings, { log })
  try {
    process.stdout.write(`Backtrail node ${node.id} is ready\n`)
    keepLargePages()
    const signal = await Promise.race([interruption.asked, node.lost])
    log.info({ signal }, 'stopping')
  } finally {
    await node.close()
    interruption.end()
  }
  log.info({}, 'stopped')
  return exitCodes.done
}
