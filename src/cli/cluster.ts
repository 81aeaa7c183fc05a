import type { Command } from 'commander'
import type { ClusterStatus } from '../appliance/index.ts'
import { type Flags, readSettings } from '../settings/index.ts'
import type { Conclude } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { addSettings } from './flags.ts'
import { formatBytes, formatCount, formatDuration, formatTable } from './terminal.ts'

export function addCluster(program: Command, conclude: Conclude): void {
  const cluster = program.command('cluster').description('About the servers and nodes of a cluster.')
  const status = cluster
    .command('status')
    .description(
      'Print the servers, the nodes with what they do and have done, and the parts of hunts, samples that arrive and merges that are theirs.',
    )
    .option('--json', 'Print one JSON object.')
    .addHelpText(
      'after',
      `
It asks the database, so it works beside a server and without one. What is gone stays listed for an hour.`,
    )
  addSettings(status, ['database', 'databasePasswordFile', 'store']).action(conclude(printStatus))
}

async function printStatus({ json, ...flags }: Flags & { readonly json?: true }): Promise<ExitCode> {
  const settings = readSettings(flags, process.env)
  const { clusterStatus } = await import('../appliance/index.ts')
  const status = await clusterStatus(settings)
  process.stdout.write(json ? `${JSON.stringify(status)}\n` : formatStatus(status))
  return exitCodes.done
}

function formatStatus({ servers, nodes, hunts, intake, index }: ClusterStatus): string {
  const seenAgo = (seen: number) => `${formatDuration(Math.max(0, Date.now() - seen / 1_000))} ago`
  const serverRows = servers.map(({ id, name, version, role, seen, workers, url }) => [
    ...[String(id), name, version, role],
    ...[seenAgo(seen), String(workers), url],
  ])
  const serverTable =
    servers.length === 0
      ? 'No server runs.\n'
      : `${formatTable(['server', 'host', 'version', 'state', 'seen', 'workers', 'address'], serverRows)}\n`
  const rows = nodes.map((node) => [
    ...[String(node.id), node.name, node.version, node.isConnected ? 'connected' : 'gone'],
    ...[seenAgo(node.seen), String(node.workers)],
    ...[`${formatBytes(node.cacheBytes)} of ${formatBytes(node.cacheLimit)}`, String(node.parts)],
    ...[String(node.done), String(node.failed), String(node.refused)],
  ])
  const head = ['node', 'host', 'version', 'state', 'seen', 'workers', 'copies', 'parts', 'done', 'failed', 'refused']
  const table = nodes.length === 0 ? 'There are no nodes: the server does all by itself.' : formatTable(head, rows)
  const of = [
    ...(intake === null ? [] : [{ what: 'samples that arrive', ...intake }]),
    ...hunts.map(({ id, ...parts }) => ({ what: `hunt ${id}`, ...parts })),
    ...(index === null ? [] : [{ what: 'merges of the index', ...index }]),
  ]
  const shared = of.map(
    ({ what, offered, claimed, done, failed }) =>
      `${what}: ${formatCount(offered, 'part')} wait for a node, ${claimed} are under way, ${done + failed} wait for the server\n`,
  )
  return `${serverTable}\n${table}\n${shared.join('')}`
}
